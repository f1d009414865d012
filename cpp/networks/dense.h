// A linear layer, as nn.Linear.
#pragma once

#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/floats.h"
#include "networks/matrix.h"
#include "networks/parameter.h"

namespace muzero::networks {

// y = x W^T + b. Weights are packed on loading, not for every product.
class Dense {
 public:
  // `padding` is the value of the padding columns of y.
  Dense(const Arithmetic& arithmetic, int in, int out, float padding = 0.0f);

  // weight [out, in], its rows `row_stride` apart; bias [out].
  void load_weight(const float* weight, int row_stride);
  void load_bias(const float* bias);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);

  // x [rows, padded(in)] -> y [rows, padded(out)].
  void operator()(const float* x, int rows, float* y) const;

 private:
  int in_;
  int out_;
  Matrix weight_;
  Floats bias_;
};

}  // namespace muzero::networks
