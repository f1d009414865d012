#include "networks/recurrent.h"

#include <algorithm>
#include <cstddef>

#include "common/integers.h"
#include "networks/rows.h"

namespace muzero::networks {

RecurrentNetwork::RecurrentNetwork(const Sizes& sizes, const Arithmetic& arithmetic)
    : sizes_(sizes),
      kernels_(arithmetic.kernels),
      stride_(padded(sizes.width)),
      outcome_body_(arithmetic, sizes.width, sizes.actions, sizes.outcome_blocks),
      outcome_logits_(kernels_, sizes.width, sizes.outcomes, kImpossibleLogit),
      dynamics_body_(arithmetic, sizes.width, sizes.actions + sizes.outcomes,
                     sizes.dynamics_blocks),
      next_latent_(arithmetic, sizes.width, sizes.width),
      next_latent_norm_(kernels_, sizes.width),
      reward_(kernels_, sizes.width, 1),
      policy_tower_(arithmetic, sizes.width, sizes.policy_blocks),
      policy_logits_(kernels_, sizes.width, sizes.actions, kImpossibleLogit),
      value_tower_(arithmetic, sizes.width, sizes.value_blocks),
      value_logits_(kernels_, sizes.width, sizes.bins, kImpossibleLogit),
      value_centers_(zeros(as_size(padded(sizes.bins)))),
      afterstate_body_(arithmetic, sizes.width, sizes.actions, sizes.afterstate_blocks),
      afterstate_norm_(kernels_, sizes.width) {
  outcome_body_.add_parameters("outcome_network.body", parameters_);
  outcome_logits_.add_parameters("outcome_network.logits", parameters_);
  dynamics_body_.add_parameters("dynamics_network.body", parameters_);
  next_latent_.add_parameters("dynamics_network.next_latent", parameters_);
  next_latent_norm_.add_parameters("dynamics_network.next_latent_norm", parameters_);
  reward_.add_parameters("dynamics_network.reward", parameters_);
  policy_tower_.add_parameters("policy_network.tower", parameters_);
  policy_logits_.add_parameters("policy_network.logits", parameters_);
  value_tower_.add_parameters("value_network.tower", parameters_);
  value_logits_.add_parameters("value_network.logits", parameters_);
  parameters_.push_back({"support.centers", {sizes_.bins}, [this](const float* centers) {
                           std::copy_n(centers, sizes_.bins, value_centers_.get());
                         }});
  afterstate_body_.add_parameters("afterstate_network.body", parameters_);
  afterstate_norm_.add_parameters("afterstate_network.norm", parameters_);
}

Workspace RecurrentNetwork::workspace(int rows) const {
  return {rows, sizes_.width, std::max({sizes_.bins, sizes_.actions, sizes_.outcomes})};
}

void RecurrentNetwork::outcome_probs(const float* latent, const std::int32_t* action, int rows,
                                     Workspace& workspace, float* probs) const {
  project(outcome_body_, latent, action, rows, workspace.x.get());
  outcome_body_.tower(rows, workspace);
  probabilities(outcome_logits_, sizes_.outcomes, rows, workspace, probs);
}

void RecurrentNetwork::dynamics(const float* latent, const std::int32_t* action,
                                const std::int32_t* outcome, int rows, Workspace& workspace,
                                float* next, float* reward) const {
  float* x = workspace.x.get();
  project(dynamics_body_, latent, action, rows, x);
  for (int r = 0; r < rows; ++r) {
    dynamics_body_.projection().add_condition(sizes_.actions + outcome[r],
                                              x + std::ptrdiff_t{r} * stride_);
  }
  finish_dynamics(rows, workspace, next, reward);
}

void RecurrentNetwork::all_dynamics(const float* latent, const std::int32_t* action, int rows,
                                    Workspace& workspace, float* next, float* reward) const {
  float* projected = workspace.inner.get();
  project(dynamics_body_, latent, action, rows, projected);
  dynamics_body_.projection().spread_conditions(sizes_.actions, projected, rows, workspace.x.get());
  finish_dynamics(rows * sizes_.outcomes, workspace, next, reward);
}

void RecurrentNetwork::finish_dynamics(int rows, Workspace& workspace, float* next,
                                       float* reward) const {
  dynamics_body_.tower(rows, workspace);
  next_latent_(workspace.x.get(), rows, next);
  next_latent_norm_.apply(next, rows, next);
  const float* head = workspace.logits.get();
  reward_(workspace.x.get(), rows, workspace.logits.get());
  for (int r = 0; r < rows; ++r) reward[r] = head[std::ptrdiff_t{r} * padded(1)];
}

void RecurrentNetwork::policy(const float* latent, int rows, Workspace& workspace,
                              float* prior) const {
  std::copy_n(latent, std::ptrdiff_t{rows} * stride_, workspace.x.get());
  policy_tower_(rows, workspace);
  probabilities(policy_logits_, sizes_.actions, rows, workspace, prior);
}

void RecurrentNetwork::value(const float* latent, int rows, Workspace& workspace,
                             float* value) const {
  std::copy_n(latent, std::ptrdiff_t{rows} * stride_, workspace.x.get());
  value_tower_(rows, workspace);
  float* logits = workspace.logits.get();
  value_logits_(workspace.x.get(), rows, logits);
  kernels_.expectation(logits, value_centers_.get(), rows, padded(sizes_.bins), value);
}

void RecurrentNetwork::afterstate(const float* latent, const std::int32_t* action, int rows,
                                  Workspace& workspace, float* next) const {
  project(afterstate_body_, latent, action, rows, workspace.x.get());
  afterstate_body_.tower(rows, workspace);
  afterstate_norm_.apply(workspace.x.get(), rows, next);
}

void RecurrentNetwork::project(const ConditionedTower& body, const float* latent,
                               const std::int32_t* action, int rows, float* y) const {
  const ConditionedDense& projection = body.projection();
  projection.project(latent, rows, y);
  for (int r = 0; r < rows; ++r)
    projection.add_condition(action[r], y + std::ptrdiff_t{r} * stride_);
}

// Head and softmax over workspace.x, without the padding.
void RecurrentNetwork::probabilities(const Dense& head, int count, int rows, Workspace& workspace,
                                     float* probs) const {
  const int stride = padded(count);
  float* logits = workspace.logits.get();
  head(workspace.x.get(), rows, logits);
  kernels_.softmax(logits, rows, stride);
  unpad_rows(logits, rows, count, probs);
}

}  // namespace muzero::networks
