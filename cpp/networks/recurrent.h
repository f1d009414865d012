// The networks a search evaluates, as in mlx_muzero/networks/{transitions,predictions}.py.
#pragma once

#include <cstdint>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/dense.h"
#include "networks/layer_norm.h"
#include "networks/parameter.h"
#include "networks/tower.h"
#include "networks/workspace.h"

namespace muzero::networks {

struct Sizes {
  int width;     // D
  int actions;   // A
  int outcomes;  // C
  int bins;      // S
  int outcome_blocks;
  int dynamics_blocks;
  int policy_blocks;
  int value_blocks;
  int afterstate_blocks;
};

// Latents are [rows, padded(D)]; actions and outcomes [rows], in range. `workspace` must hold the
// rows of a call. Inference is const: any number of threads may call, each with its own workspace.
class RecurrentNetwork {
 public:
  RecurrentNetwork(const Sizes& sizes, const Arithmetic& arithmetic);
  RecurrentNetwork(const RecurrentNetwork&) = delete;
  RecurrentNetwork& operator=(const RecurrentNetwork&) = delete;

  const Sizes& sizes() const { return sizes_; }
  // Every array to load before the first call.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  Workspace workspace(int rows) const;

  // -> probabilities [rows, C].
  void outcome_probs(const float* latent, const std::int32_t* action, int rows,
                     Workspace& workspace, float* probs) const;
  // -> next latent [rows, padded(D)], reward [rows].
  void dynamics(const float* latent, const std::int32_t* action, const std::int32_t* outcome,
                int rows, Workspace& workspace, float* next, float* reward) const;
  // All outcomes of each action -> next latent [rows * C, padded(D)], reward [rows, C].
  void all_dynamics(const float* latent, const std::int32_t* action, int rows, Workspace& workspace,
                    float* next, float* reward) const;
  // -> probabilities [rows, A].
  void policy(const float* latent, int rows, Workspace& workspace, float* prior) const;
  // -> expected value [rows].
  void value(const float* latent, int rows, Workspace& workspace, float* value) const;
  // -> afterstate latent [rows, padded(D)].
  void afterstate(const float* latent, const std::int32_t* action, int rows, Workspace& workspace,
                  float* next) const;

 private:
  void project(const ConditionedTower& body, const float* latent, const std::int32_t* action,
               int rows, float* y) const;
  void finish_dynamics(int rows, Workspace& workspace, float* next, float* reward) const;
  void probabilities(const Dense& head, int count, int rows, Workspace& workspace,
                     float* probs) const;

  Sizes sizes_;
  const Kernels& kernels_;
  int stride_;  // padded(D)
  ConditionedTower outcome_body_;
  Dense outcome_logits_;
  ConditionedTower dynamics_body_;
  Dense next_latent_;
  LayerNorm next_latent_norm_;
  Dense reward_;
  ResidualTower policy_tower_;
  Dense policy_logits_;
  ResidualTower value_tower_;
  Dense value_logits_;
  Floats value_centers_;  // [padded(S)]
  ConditionedTower afterstate_body_;
  LayerNorm afterstate_norm_;
  std::vector<Parameter> parameters_;
};

}  // namespace muzero::networks
