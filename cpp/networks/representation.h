// Maps a window to the root's latent, as in mlx_muzero/networks/representation.py.
#pragma once

#include <vector>

#include "networks/arithmetic.h"
#include "networks/dense.h"
#include "networks/layer_norm.h"
#include "networks/parameter.h"
#include "networks/tcn.h"
#include "networks/tower.h"
#include "networks/workspace.h"

namespace muzero::networks {

struct RepresentationSizes {
  int features;     // F
  int window_bars;  // W
  int channels;     // of the temporal encoder
  int kernel;       // of its convolutions
  int width;        // D
  int blocks;
};

struct RepresentationWorkspace {
  TcnWorkspace tcn;
  Floats attention;  // [windows * W, padded(1)], then [windows, padded(W)]
  Floats joined;     // [windows, padded(channels + F)]
  Workspace tower;
};

// Inference is const: any number of threads may call, each with its own workspace.
class RepresentationNetwork {
 public:
  RepresentationNetwork(const RepresentationSizes& sizes, const Arithmetic& arithmetic);
  RepresentationNetwork(const RepresentationNetwork&) = delete;
  RepresentationNetwork& operator=(const RepresentationNetwork&) = delete;

  const RepresentationSizes& sizes() const { return sizes_; }
  // Every array to load before the first call; batch norms are folded into the convolutions.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  RepresentationWorkspace workspace(int windows) const;

  // Observation [windows, W, F] -> latent [windows, D]; `workspace` must hold that many windows.
  void operator()(const float* observation, int windows, RepresentationWorkspace& workspace,
                  float* latent) const;

 private:
  void pool(int windows, RepresentationWorkspace& workspace) const;

  RepresentationSizes sizes_;
  const Kernels& kernels_;
  TemporalEncoder encoder_;
  Dense attention_;
  Dense projection_;
  LayerNorm projection_norm_;
  ResidualTower tower_;
  std::vector<Parameter> parameters_;
};

}  // namespace muzero::networks
