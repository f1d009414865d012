#include "networks/conditioned.h"

#include <algorithm>
#include <cstddef>

#include "common/integers.h"

namespace muzero::networks {

ConditionedDense::ConditionedDense(const Arithmetic& arithmetic, int width, int conditions, int out)
    : width_(width),
      conditions_(conditions),
      out_(out),
      latent_(arithmetic, width, out),
      columns_(zeros(as_size(conditions) * as_size(out))) {}

void ConditionedDense::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  parameters.push_back({name + ".weight", {out_, width_ + conditions_}, [this](const float* array) {
                          load_weight(array);
                        }});
  parameters.push_back(
      {name + ".bias", {out_}, [this](const float* array) { latent_.load_bias(array); }});
}

void ConditionedDense::load_weight(const float* weight) {
  const int row_stride = width_ + conditions_;
  latent_.load_weight(weight, row_stride);
  for (int condition = 0; condition < conditions_; ++condition) {
    float* column = columns_.get() + std::ptrdiff_t{condition} * out_;
    for (int row = 0; row < out_; ++row) {
      column[row] = weight[std::ptrdiff_t{row} * row_stride + width_ + condition];
    }
  }
}

void ConditionedDense::add_condition(int condition, float* y) const {
  const float* column = columns_.get() + std::ptrdiff_t{condition} * out_;
  for (int i = 0; i < out_; ++i) y[i] += column[i];
}

void ConditionedDense::add_inputs(const float* numbers, float* y) const {
  const float* column = columns_.get();
  for (int condition = 0; condition < conditions_; ++condition, column += out_) {
    for (int i = 0; i < out_; ++i) y[i] += numbers[condition] * column[i];
  }
}

void ConditionedDense::spread_conditions(int first, const float* y, int rows, float* spread) const {
  const int stride = padded(out_);
  for (int r = 0; r < rows; ++r, y += stride) {
    for (int condition = first; condition < conditions_; ++condition, spread += stride) {
      std::copy_n(y, stride, spread);
      add_condition(condition, spread);
    }
  }
}

}  // namespace muzero::networks
