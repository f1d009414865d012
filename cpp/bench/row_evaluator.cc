#include "bench/row_evaluator.h"

#include <algorithm>
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
  const std::size_t first = take(worker, actions.size() + outcomes.size());
  search::Evaluations found{.actions = from(first), .outcomes = from(first + actions.size())};
  // An afterstate's probabilities are asked for later.
  if (actions.slot.empty()) found.actions.outcome_probs = nullptr;
  return found;
}

search::Distributions RowEvaluator::distributions(int worker, const search::NodeColumns& decisions,
                                                  const search::NodeColumns& chances) {
  const std::size_t first = take(worker, std::max(decisions.size(), chances.size()));
  return {.prior = rows_.prior.data() + first * as_size(rows_.outcomes * rows_.actions),
          .outcome_probs = rows_.outcome_probs.data() + first * as_size(rows_.outcomes)};
}

// The first of the next rows.
std::size_t RowEvaluator::take(int worker, std::size_t wanted) {
  std::size_t& next = cursors_[as_size(worker)].next;
  if (next + wanted > as_size(rows_.count)) next = 0;
  const std::size_t first = next;
  next += wanted;
  return first;
}

search::EvaluationColumns RowEvaluator::from(std::size_t row) const {
  const std::size_t edge = row * as_size(rows_.outcomes);
  return {.outcome_probs = rows_.outcome_probs.data() + edge,
          .reward = rows_.reward.data() + edge,
          .value = rows_.value.data() + edge};
}

}  // namespace muzero::bench
