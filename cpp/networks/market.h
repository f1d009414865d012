// The networks of a model of the market alone, as in mlx_muzero/networks/factored.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/floats.h"
#include "networks/market_member.h"
#include "networks/market_sizes.h"
#include "networks/parameter.h"
#include "networks/told_head.h"
#include "networks/workspace.h"

namespace muzero::networks {

// What the model tells is the mean of what its members do. Latents have a part of each of them, one
// after the other: [members][rows, padded(D)].
//
// Inference is const: any number of threads may call, each with its own workspace.
class MarketNetwork {
 public:
  MarketNetwork(const MarketSizes& sizes, const Arithmetic& arithmetic);
  MarketNetwork(const MarketNetwork&) = delete;
  MarketNetwork& operator=(const MarketNetwork&) = delete;

  const MarketSizes& sizes() const { return sizes_; }
  // Of all parts of a latent together.
  int width() const { return sizes_.members * sizes_.window.width; }
  // Floats of the latents of so many rows.
  std::size_t latent_area(int rows) const { return members_.size() * part_area(rows); }
  // Every array to load before the first call.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  Workspace workspace(int rows) const;

  // Rows [rows, width()] of which each has all its parts -> latents, and back.
  void split_latents(const float* joined, int rows, float* latent) const;
  void join_latents(const float* latent, int rows, float* joined) const;

  // Observation [windows, W, columns] -> latents.
  void representation(const float* observation, int columns, int windows, Workspace& workspace,
                      float* latent) const;
  // Every outcome of each latent -> latents of rows * C.
  void successors(const float* latent, int rows, Workspace& workspace, float* next) const;
  // Latents -> probabilities [rows, C].
  void outcome_probs(const float* latent, int rows, Workspace& workspace, float* probs) const;
  // -> pips from this fill to the next, by outcome [rows, C].
  void moves(const float* latent, int rows, Workspace& workspace, float* moves) const;
  // -> pips from holding each position from now on [rows, P].
  void worth(const float* latent, int rows, Told told, Workspace& workspace, float* worth) const;
  // What the others found -> number of the nearest cluster [rows].
  void clusters(const float* probs, const float* moves, const float* worth, int rows,
                std::int32_t* cluster) const;

 private:
  // What clusters are told apart by: the worth of the longest and of the shortest position beyond
  // being flat, and the expected next move.
  static constexpr int kSummary = 3;

  // Floats of one member's part of the latents of so many rows.
  std::size_t part_area(int rows) const;
  // Worth shrinks as its session ends: few bars move little.
  void fade(const Told& told, int rows, float* worth) const;
  // scale * the mean of say(member, its part of the latents), [rows, padded(outputs)] each ->
  // [rows, outputs].
  template <typename Say>
  void mean(const float* latent, int rows, int outputs, float scale, float* to,
            const Say& say) const;

  MarketSizes sizes_;
  const Kernels& kernels_;
  std::deque<MarketMember> members_;  // which cannot move
  float move_pips_ = 1.0f;
  Floats mean_;     // [3]
  Floats scale_;    // [3]
  Floats centers_;  // [clusters, 3]
  std::vector<Parameter> parameters_;
};

}  // namespace muzero::networks
