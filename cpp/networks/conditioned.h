// A linear layer of a latent joined with conditions: one-hot, or known numbers.
#pragma once

#include <string>
#include <vector>

#include "networks/dense.h"
#include "networks/floats.h"

namespace muzero::networks {

// y = [x, conditions] W^T + b. Adding a column of W for each condition replaces a wider product.
class ConditionedDense {
 public:
  ConditionedDense(const Arithmetic& arithmetic, int width, int conditions)
      : ConditionedDense(arithmetic, width, conditions, width) {}
  ConditionedDense(const Arithmetic& arithmetic, int width, int conditions, int out);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);

  // The latent's part: latent [rows, padded(width)] -> y [rows, padded(out)].
  void project(const float* latent, int rows, float* y) const { latent_(latent, rows, y); }
  // y [out] += the column of `condition`, in [0, conditions).
  void add_condition(int condition, float* y) const;
  // y [out] += every column times its number: numbers [conditions].
  void add_inputs(const float* numbers, float* y) const;
  // Every condition from `first` on, one after the other for each row:
  // y [rows, padded(out)] -> spread [rows * (conditions - first), padded(out)].
  void spread_conditions(int first, const float* y, int rows, float* spread) const;

 private:
  void load_weight(const float* weight);

  int width_;
  int conditions_;
  int out_;
  Dense latent_;
  Floats columns_;  // [conditions, out]
};

}  // namespace muzero::networks
