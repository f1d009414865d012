#include "native/network_evaluator.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace muzero::native {
namespace {

using networks::padded;
using search::SearchError;

std::size_t as_size(int n) { return static_cast<std::size_t>(n); }

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
      latent(networks::zeros(as_size(most_leaves) * as_size(padded(network.sizes().width)))),
      next(networks::zeros(as_size(workspace.rows) * as_size(padded(network.sizes().width)))),
      outcome_probs(as_size(workspace.rows)),
      afterstate_value(as_size(most_leaves)),
      reward(as_size(workspace.rows)),
      value(as_size(workspace.rows)),
      prior(as_size(workspace.rows) * as_size(network.sizes().actions)) {}

void NetworkEvaluator::reset(int rows, const float* latents, const std::int32_t* slots,
                             int capacity) {
  const int width = network_.sizes().width;
  const std::ptrdiff_t stride = padded(width);
  if (capacity > room_) {
    pool_ = networks::uninitialized(as_size(capacity) * as_size(padded(width)));
    room_ = capacity;
  }
  capacity_ = capacity;
  for (int row = 0; row < rows; ++row) {
    if (slots[row] < 0 || slots[row] >= capacity) {
      throw SearchError("root slot " + std::to_string(slots[row]) + " is not in 0 .. " +
                        std::to_string(capacity - 1));
    }
    float* latent = pool_.get() + slots[row] * stride;
    std::copy_n(latents + std::ptrdiff_t{row} * width, width, latent);
    std::fill(latent + width, latent + stride, 0.0f);
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

search::Evaluations NetworkEvaluator::evaluate(int worker_index,
                                               const search::LeafColumns& actions,
                                               const search::LeafColumns& outcomes) {
  Worker& worker = workers_[as_size(worker_index)];
  search::Evaluations evaluations;
  if (actions.size() > 0) {
    const int rows = static_cast<int>(actions.size());
    gather(actions.parent, worker.latent.get());
    network_.outcome_probs(worker.latent.get(), actions.action.data(), rows, worker.workspace,
                           worker.outcome_probs.data());
    evaluations.actions.outcome_probs = worker.outcome_probs.data();
    if (actions.slot.empty()) {  // single_outcome: the chance node's afterstate
      network_.afterstate(worker.latent.get(), actions.action.data(), rows, worker.workspace,
                          worker.next.get());
      network_.value(worker.next.get(), rows, worker.workspace, worker.afterstate_value.data());
      evaluations.actions.value = worker.afterstate_value.data();
    } else {
      network_.all_dynamics(worker.latent.get(), actions.action.data(), rows, worker.workspace,
                            worker.next.get(), worker.reward.data());
      evaluate_successors(worker, actions.slot);
      evaluations.actions.reward = worker.reward.data();
      evaluations.actions.value = worker.value.data();
      evaluations.actions.prior = worker.prior.data();
    }
  }
  if (outcomes.size() > 0) {
    gather(outcomes.parent, worker.latent.get());
    network_.dynamics(worker.latent.get(), outcomes.action.data(), outcomes.outcome.data(),
                      static_cast<int>(outcomes.size()), worker.workspace, worker.next.get(),
                      worker.reward.data());
    evaluate_successors(worker, outcomes.slot);
    evaluations.outcomes = {.outcome_probs = nullptr,
                            .reward = worker.reward.data(),
                            .value = worker.value.data(),
                            .prior = worker.prior.data()};
  }
  return evaluations;
}

void NetworkEvaluator::gather(const std::vector<std::int32_t>& slots, float* latents) const {
  const std::ptrdiff_t stride = padded(network_.sizes().width);
  for (const std::int32_t slot : slots) {
    std::copy_n(pool_.get() + slot * stride, stride, latents);
    latents += stride;
  }
}

// Value and prior of the latents in worker.next, which go to `slots`.
void NetworkEvaluator::evaluate_successors(Worker& worker,
                                           const std::vector<std::int32_t>& slots) {
  const std::ptrdiff_t stride = padded(network_.sizes().width);
  const float* latent = worker.next.get();
  const int rows = static_cast<int>(slots.size());
  network_.value(latent, rows, worker.workspace, worker.value.data());
  network_.policy(latent, rows, worker.workspace, worker.prior.data());
  for (const std::int32_t slot : slots) {
    std::copy_n(latent, stride, pool_.get() + slot * stride);
    latent += stride;
  }
}

}  // namespace muzero::native
