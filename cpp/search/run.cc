// The whole search in one call: groups of trees, each from its first simulation to its last.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <vector>

#include "search/leaf_evaluator.h"
#include "search/search.h"

namespace muzero::search {
namespace {

// Trees whose leaves are evaluated together. Fixed, so that a result does not depend on the number
// of threads even where a network's rows depend on the batch.
constexpr int kGroupTrees = 8;

}  // namespace

void Search::run(LeafEvaluator& evaluator) {
  if (trees_.empty()) throw SearchError("run() needs roots: call reset() first");
  require_no_leaves("run()");
  const int groups = (roots() + kGroupTrees - 1) / kGroupTrees;
  evaluator.begin(*this, pool_.shares(), std::min(kGroupTrees, roots()) * shape_.leaves);
  std::atomic<int> next_group = 0;
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(groups));
  pool_.for_each(pool_.shares(), [&](int worker) {
    for (int group = next_group++; group < groups; group = next_group++) {
      try {
        run_group(evaluator, worker, group * kGroupTrees,
                  std::min((group + 1) * kGroupTrees, roots()));
      } catch (...) {
        errors[static_cast<std::size_t>(group)] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

void Search::run_group(LeafEvaluator& evaluator, int worker, int first, int last) {
  LeafColumns actions;
  LeafColumns outcomes;
  for (;;) {
    for (int b = first; b < last; ++b) simulate(trees_[static_cast<std::size_t>(b)]);
    collect_leaves(first, last, actions, outcomes);
    if (actions.size() + outcomes.size() == 0) return;
    const Evaluations evaluations = evaluator.evaluate(worker, actions, outcomes);
    validate(actions, evaluations.actions, successors_per_action());
    validate(outcomes, evaluations.outcomes, 1);
    for (int b = first; b < last; ++b) {
      expand_leaves(trees_[static_cast<std::size_t>(b)], evaluations.actions,
                    evaluations.outcomes);
    }
  }
}

}  // namespace muzero::search
