// What makes a root's latent of a window, as in mlx_muzero/networks/representation.py.
#pragma once

#include <vector>

#include "networks/dense.h"
#include "networks/kernels.h"
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

// Constant while it computes: any number of threads, a workspace each.
class RepresentationNetwork {
 public:
  RepresentationNetwork(const RepresentationSizes& sizes, const Kernels& kernels);
  RepresentationNetwork(const RepresentationNetwork&) = delete;
  RepresentationNetwork& operator=(const RepresentationNetwork&) = delete;

  const RepresentationSizes& sizes() const { return sizes_; }
  // Every array to load before the first call; convolutions with their batch norm folded in.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  RepresentationWorkspace workspace(int windows) const;

  // Observation [windows, W, F] -> latent [windows, D]; `workspace` holds at least the windows.
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
