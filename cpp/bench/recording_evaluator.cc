#include "bench/recording_evaluator.h"

#include <cstddef>

#include "common/integers.h"
#include "parallel/thread_pool.h"

namespace muzero::bench {

void RecordingEvaluator::begin(const search::Search& search, int workers, int leaves) {
  inner_.begin(search, workers, leaves);
  batches_.assign(as_size(workers), {});
}

search::Evaluations RecordingEvaluator::evaluate(int worker, const search::LeafColumns& actions,
                                                 const search::LeafColumns& outcomes) {
  batches_[as_size(worker)].push_back({.actions = actions, .outcomes = outcomes});
  return inner_.evaluate(worker, actions, outcomes);
}

search::Distributions RecordingEvaluator::distributions(int worker,
                                                        const search::NodeColumns& decisions,
                                                        const search::NodeColumns& chances) {
  batches_[as_size(worker)].push_back({.decisions = decisions, .chances = chances});
  return inner_.distributions(worker, decisions, chances);
}

void RecordingEvaluator::replay() const {
  const int workers = static_cast<int>(batches_.size());
  parallel::ThreadPool pool(workers);
  pool.for_each(workers, [this](int worker) {
    for (const Batch& batch : batches_[as_size(worker)]) {
      if (batch.actions.size() + batch.outcomes.size() > 0) {
        inner_.evaluate(worker, batch.actions, batch.outcomes);
      } else {
        inner_.distributions(worker, batch.decisions, batch.chances);
      }
    }
  });
}

}  // namespace muzero::bench
