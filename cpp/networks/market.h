// The networks of a model of the market alone, as in mlx_muzero/networks/factored.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/conditioned.h"
#include "networks/dense.h"
#include "networks/parameter.h"
#include "networks/told_head.h"
#include "networks/window_mlp.h"
#include "networks/workspace.h"

namespace muzero::networks {

struct MarketSizes {
  WindowSizes window;
  int outcomes;   // C
  int positions;  // P; position 0 is flat
  int longest;    // of the positions, the one with the largest exposure
  int shortest;   // and the one with the smallest
  int clusters;   // G
  // What the worth head is told next to the latent where nothing else is: I known inputs. None
  // where it reads the market alone.
  std::vector<float> usual;
  // Where worth ends with the session: decisions of one, of which the first input is the share
  // that is left. Else 0.
  int session_bars;
};

// One hidden layer with ReLU, then outputs.
class Head {
 public:
  Head(const Arithmetic& arithmetic, int width, int outputs, float padding = 0.0f);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  // latent [rows, padded(D)] -> y [rows, padded(outputs)]; uses workspace.inner.
  void operator()(const float* latent, int rows, Workspace& workspace, float* y) const;

 private:
  int width_;
  Dense hidden_;
  Dense output_;
};

// Inference is const: any number of threads may call, each with its own workspace.
class MarketNetwork {
 public:
  MarketNetwork(const MarketSizes& sizes, const Arithmetic& arithmetic);
  MarketNetwork(const MarketNetwork&) = delete;
  MarketNetwork& operator=(const MarketNetwork&) = delete;

  const MarketSizes& sizes() const { return sizes_; }
  int width() const { return sizes_.window.width; }
  // Every array to load before the first call.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  Workspace workspace(int rows) const;

  // Observation [windows, W, columns] -> latent [windows, padded(D)].
  void representation(const float* observation, int columns, int windows, Workspace& workspace,
                      float* latent) const {
    representation_(observation, columns, windows, workspace, latent);
  }
  // Every outcome of each latent [rows, padded(D)] -> next [rows * C, padded(D)].
  void successors(const float* latent, int rows, Workspace& workspace, float* next) const;
  // latent [rows, padded(D)] -> probabilities [rows, C].
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

  // Worth shrinks as its session ends: few bars move little.
  void fade(const Told& told, int rows, float* worth) const;
  // x [rows, padded(outputs)] -> scale * x, [rows, outputs].
  static void scaled(const float* x, float scale, int rows, int outputs, float* to);

  MarketSizes sizes_;
  const Kernels& kernels_;
  WindowMlp representation_;
  ConditionedDense dynamics_input_;
  Dense dynamics_output_;
  Head outcome_head_;
  Head move_head_;
  std::optional<Head> worth_head_;  // one of the two
  std::optional<ToldHead> told_head_;
  float move_pips_ = 1.0f;
  Floats mean_;     // [3]
  Floats scale_;    // [3]
  Floats centers_;  // [clusters, 3]
  std::vector<Parameter> parameters_;
};

}  // namespace muzero::networks
