// One member of a model of the market: a set of networks, as MarketNetworks in
// mlx_muzero/networks/market_networks.py.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/conditioned.h"
#include "networks/dense.h"
#include "networks/head.h"
#include "networks/market_sizes.h"
#include "networks/parameter.h"
#include "networks/told_head.h"
#include "networks/window_mlp.h"
#include "networks/workspace.h"

namespace muzero::networks {

// Latents are the member's part of the model's, [rows, padded(D)]; what heads say is in the units
// of learning.
class MarketMember {
 public:
  MarketMember(const MarketSizes& sizes, const Arithmetic& arithmetic);
  MarketMember(const MarketMember&) = delete;
  MarketMember& operator=(const MarketMember&) = delete;
  // `prefix` comes before the names of all parameters.
  void add_parameters(const std::string& prefix, std::vector<Parameter>& parameters);

  // Most columns of workspace.logits that are needed.
  int most_logits() const;

  // Observation [windows, W, columns] -> latent.
  void representation(const float* observation, int columns, int windows, Workspace& workspace,
                      float* latent) const {
    representation_(observation, columns, windows, workspace, latent);
  }
  // Every outcome of each latent -> next [rows * C, padded(D)].
  void successors(const float* latent, int rows, Workspace& workspace, float* next) const;
  // -> logits of the outcomes [rows, padded(C)]; like all heads, in workspace.logits.
  const float* outcomes(const float* latent, int rows, Workspace& workspace) const;
  // -> the move by outcome [rows, padded(C)].
  const float* moves(const float* latent, int rows, Workspace& workspace) const;
  // -> the worth of positions [rows, padded(P)]; `told` counts where a known input does.
  const float* worth(const float* latent, int rows, const Told& told, Workspace& workspace) const;

 private:
  int width_;
  int outcomes_;
  int positions_;
  WindowMlp representation_;
  ConditionedDense dynamics_input_;
  Dense dynamics_output_;
  Head outcome_head_;
  Head move_head_;
  std::optional<Head> worth_head_;  // one of the two
  std::optional<ToldHead> told_head_;
};

}  // namespace muzero::networks
