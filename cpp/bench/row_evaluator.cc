#include "bench/row_evaluator.h"

#include <string>

#include "common/integers.h"

namespace muzero::bench {

void RowEvaluator::begin(const search::Search& search, int workers, int leaves) {
  if (search.shape().actions != rows_.actions || search.shape().outcomes != rows_.outcomes ||
      leaves > rows_.count) {
    throw search::SearchError("the search needs " + std::to_string(leaves) +
                              " rows of its own actions and outcomes");
  }
  cursors_.assign(as_size(workers), {});
}

search::Evaluations RowEvaluator::evaluate(int worker, const search::LeafColumns& actions,
                                           const search::LeafColumns& outcomes) {
  std::size_t& next = cursors_[as_size(worker)].next;
  const std::size_t wanted = actions.size() + outcomes.size();
  if (next + wanted > as_size(rows_.count)) next = 0;
  const std::size_t first = next;
  next += wanted;
  return {.actions = from(first), .outcomes = from(first + actions.size())};
}

search::EvaluationColumns RowEvaluator::from(std::size_t row) const {
  const std::size_t edge = row * as_size(rows_.outcomes);
  return {.outcome_probs = rows_.outcome_probs.data() + edge,
          .reward = rows_.reward.data() + edge,
          .value = rows_.value.data() + edge,
          .prior = rows_.prior.data() + edge * as_size(rows_.actions)};
}

}  // namespace muzero::bench
