// A head of a model of the market, as Head in mlx_muzero/networks/market_networks.py.
#pragma once

#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/dense.h"
#include "networks/parameter.h"
#include "networks/workspace.h"

namespace muzero::networks {

// One hidden layer with ReLU, then outputs.
class Head {
 public:
  Head(const Arithmetic& arithmetic, int width, int outputs);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  // latent [rows, padded(D)] -> y [rows, padded(outputs)]; uses workspace.inner.
  void operator()(const float* latent, int rows, Workspace& workspace, float* y) const;

 private:
  int width_;
  Dense hidden_;
  Dense output_;
};

}  // namespace muzero::networks
