// A linear layer, as nn.Linear.
#pragma once

#include <string>
#include <vector>

#include "networks/floats.h"
#include "networks/kernels.h"
#include "networks/parameter.h"

namespace muzero::networks {

// y = x W^T + b. Weights are packed on loading, not for every product.
class Dense {
 public:
  // `padding` is the value of the padding columns of y.
  Dense(const Kernels& kernels, int in, int out, float padding = 0.0f);

  // weight [out, in], its rows `row_stride` apart; bias [out].
  void load_weight(const float* weight, int row_stride);
  void load_bias(const float* bias);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);

  // x [rows, padded(in)] -> y [rows, padded(out)].
  void operator()(const float* x, int rows, float* y) const;

 private:
  const Kernels& kernels_;
  int in_;
  int out_;
  Floats weight_;
  Floats bias_;
};

}  // namespace muzero::networks
