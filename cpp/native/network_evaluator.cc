#include "native/network_evaluator.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "common/integers.h"
#include "networks/rows.h"

namespace muzero::native {
namespace {

using networks::padded;
using networks::padded_area;
using search::SearchError;

void require_below(const char* name, const std::vector<std::int32_t>& values, int limit) {
  for (const std::int32_t value : values) {
    if (value < 0 || value >= limit) {
      throw SearchError(std::string(name) + " " + std::to_string(value) +
                        " of a leaf is not in 0 .. " + std::to_string(limit - 1));
    }
  }
}

}  // namespace

NetworkEvaluator::Worker::Worker(const networks::RecurrentNetwork& network, int most_leaves)
    : leaves(most_leaves),
      workspace(network.workspace(most_leaves * network.sizes().outcomes)),
      latent(networks::zeros(padded_area(most_leaves, network.sizes().width))),
      next(networks::zeros(padded_area(workspace.rows, network.sizes().width))),
      outcome_probs(as_size(workspace.rows)),
      afterstate_value(as_size(most_leaves)),
      reward(as_size(workspace.rows)),
      value(as_size(workspace.rows)),
      prior(as_size(most_leaves) * as_size(network.sizes().actions)) {}

void NetworkEvaluator::predict(const float* latents, int rows, float* prior, float* value) {
  reserve(1, rows);
  Worker& worker = workers_.front();
  const int width = network_.sizes().width;
  networks::pad_rows(latents, width, rows, width, worker.next.get());
  network_.policy(worker.next.get(), rows, worker.workspace, prior);
  network_.value(worker.next.get(), rows, worker.workspace, value);
}

void NetworkEvaluator::reset(int rows, const float* latents, const std::int32_t* slots,
                             int capacity) {
  const int width = network_.sizes().width;
  const std::ptrdiff_t stride = padded(width);
  if (capacity > room_) {
    pool_ = networks::uninitialized(padded_area(capacity, width));
    room_ = capacity;
  }
  capacity_ = capacity;
  for (int row = 0; row < rows; ++row) {
    if (slots[row] < 0 || slots[row] >= capacity) {
      throw SearchError("root slot " + std::to_string(slots[row]) + " is not in 0 .. " +
                        std::to_string(capacity - 1));
    }
    networks::pad_rows(latents + std::ptrdiff_t{row} * width, width, 1, width,
                       pool_.get() + slots[row] * stride);
  }
}

void NetworkEvaluator::latents(const std::int32_t* slots, int rows, float* to) const {
  const int width = network_.sizes().width;
  for (int row = 0; row < rows; ++row, to += width) {
    require_below("slot", {slots[row]}, capacity_);
    networks::unpad_rows(pool_.get() + std::ptrdiff_t{slots[row]} * padded(width), 1, width, to);
  }
}

void NetworkEvaluator::begin(const search::Search& search, int workers, int leaves) {
  const search::TreeShape& shape = search.shape();
  const networks::Sizes& sizes = network_.sizes();
  if (shape.actions != sizes.actions || shape.outcomes != sizes.outcomes) {
    throw SearchError("the search has " + std::to_string(shape.actions) + " actions and " +
                      std::to_string(shape.outcomes) + " outcomes, the network " +
                      std::to_string(sizes.actions) + " and " + std::to_string(sizes.outcomes));
  }
  if (capacity_ < search.first_slot(search.roots())) {
    throw SearchError("the evaluator was not reset for this search");
  }
  reserve(workers, leaves);
}

void NetworkEvaluator::reserve(int workers, int leaves) {
  if (!workers_.empty() && workers_.front().leaves < leaves) workers_.clear();
  const int room = workers_.empty() ? leaves : workers_.front().leaves;
  while (workers_.size() < as_size(workers)) workers_.emplace_back(network_, room);
}

void NetworkEvaluator::require_valid(const search::LeafColumns& leaves) const {
  require_below("parent slot", leaves.parent, capacity_);
  require_below("slot", leaves.slot, capacity_);
  require_below("action", leaves.action, network_.sizes().actions);
  require_below("outcome", leaves.outcome, network_.sizes().outcomes);
}

void NetworkEvaluator::require_valid(const search::NodeColumns& nodes) const {
  require_below("slot", nodes.slot, capacity_);
  require_below("action", nodes.action, network_.sizes().actions);
}

search::Distributions NetworkEvaluator::distributions(int worker_index,
                                                      const search::NodeColumns& decisions,
                                                      const search::NodeColumns& chances) {
  Worker& worker = workers_[as_size(worker_index)];
  search::Distributions found;
  if (decisions.size() > 0) {
    gather(decisions.slot, worker.latent.get());
    network_.policy(worker.latent.get(), static_cast<int>(decisions.size()), worker.workspace,
                    worker.prior.data());
    found.prior = worker.prior.data();
  }
  if (chances.size() > 0) {
    gather(chances.slot, worker.latent.get());
    outcome_probs(worker, chances.action);
    found.outcome_probs = worker.outcome_probs.data();
  }
  return found;
}

search::Evaluations NetworkEvaluator::evaluate(int worker_index, const search::LeafColumns& actions,
                                               const search::LeafColumns& outcomes) {
  Worker& worker = workers_[as_size(worker_index)];
  search::Evaluations evaluations;
  if (actions.size() > 0) {
    evaluations.actions = actions.slot.empty() ? evaluate_afterstates(worker, actions)
                                               : evaluate_all_outcomes(worker, actions);
  }
  if (outcomes.size() > 0) evaluations.outcomes = evaluate_outcomes(worker, outcomes);
  return evaluations;
}

search::EvaluationColumns NetworkEvaluator::evaluate_afterstates(
    Worker& worker, const search::LeafColumns& leaves) const {
  const int rows = static_cast<int>(leaves.size());
  gather(leaves.parent, worker.latent.get());
  network_.afterstate(worker.latent.get(), leaves.action.data(), rows, worker.workspace,
                      worker.next.get());
  network_.value(worker.next.get(), rows, worker.workspace, worker.afterstate_value.data());
  return {.value = worker.afterstate_value.data()};
}

search::EvaluationColumns NetworkEvaluator::evaluate_all_outcomes(
    Worker& worker, const search::LeafColumns& leaves) {
  gather(leaves.parent, worker.latent.get());
  outcome_probs(worker, leaves.action);
  network_.all_dynamics(worker.latent.get(), leaves.action.data(), static_cast<int>(leaves.size()),
                        worker.workspace, worker.next.get(), worker.reward.data());
  evaluate_successors(worker, leaves);
  return {.outcome_probs = worker.outcome_probs.data(),
          .reward = worker.reward.data(),
          .value = worker.value.data()};
}

search::EvaluationColumns NetworkEvaluator::evaluate_outcomes(Worker& worker,
                                                              const search::LeafColumns& leaves) {
  gather(leaves.parent, worker.latent.get());
  network_.dynamics(worker.latent.get(), leaves.action.data(), leaves.outcome.data(),
                    static_cast<int>(leaves.size()), worker.workspace, worker.next.get(),
                    worker.reward.data());
  evaluate_successors(worker, leaves);
  return {.reward = worker.reward.data(), .value = worker.value.data()};
}

// Of the latents in worker.latent, one for each action.
void NetworkEvaluator::outcome_probs(Worker& worker,
                                     const std::vector<std::int32_t>& actions) const {
  network_.outcome_probs(worker.latent.get(), actions.data(), static_cast<int>(actions.size()),
                         worker.workspace, worker.outcome_probs.data());
}

// Values of the latents in worker.next, which go to the slots of those from which a walk may
// continue.
void NetworkEvaluator::evaluate_successors(Worker& worker, const search::LeafColumns& leaves) {
  network_.value(worker.next.get(), static_cast<int>(leaves.slot.size()), worker.workspace,
                 worker.value.data());
  const std::ptrdiff_t stride = padded(network_.sizes().width);
  const std::size_t successors = leaves.slot.size() / leaves.size();
  const float* latent = worker.next.get();
  for (std::size_t row = 0; row < leaves.slot.size(); ++row, latent += stride) {
    if (!leaves.goes_on[row / successors]) continue;
    std::copy_n(latent, stride, pool_.get() + leaves.slot[row] * stride);
  }
}

void NetworkEvaluator::gather(const std::vector<std::int32_t>& slots, float* latents) const {
  const std::ptrdiff_t stride = padded(network_.sizes().width);
  for (const std::int32_t slot : slots) {
    std::copy_n(pool_.get() + slot * stride, stride, latents);
    latents += stride;
  }
}

}  // namespace muzero::native
