// A layer norm, as nn.LayerNorm, fused with the operation that follows it.
#pragma once

#include <string>
#include <vector>

#include "networks/floats.h"
#include "networks/kernels.h"
#include "networks/parameter.h"

namespace muzero::networks {

// Rows are [rows, padded(width)]; x and y may be the same.
class LayerNorm {
 public:
  LayerNorm(const Kernels& kernels, int width);

  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);

  // y = norm(x)
  void apply(const float* x, int rows, float* y) const {
    kernels_.normalize(weights(), x, rows, y);
  }
  // y = relu(norm(x))
  void apply_relu(const float* x, int rows, float* y) const {
    kernels_.normalize_relu(weights(), x, rows, y);
  }
  // y = relu(y + norm(x))
  void add_relu(const float* x, int rows, float* y) const {
    kernels_.normalize_add_relu(weights(), x, rows, y);
  }

 private:
  NormWeights weights() const { return {gain_.get(), bias_.get(), width_}; }

  const Kernels& kernels_;
  int width_;
  Floats gain_;
  Floats bias_;
};

}  // namespace muzero::networks
