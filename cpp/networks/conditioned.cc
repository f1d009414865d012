#include "networks/conditioned.h"

#include <algorithm>
#include <cstddef>

#include "common/integers.h"

namespace muzero::networks {

ConditionedDense::ConditionedDense(const Kernels& kernels, int width, int conditions)
    : width_(width),
      conditions_(conditions),
      latent_(kernels, width, width),
      columns_(zeros(as_size(conditions) * as_size(width))) {}

void ConditionedDense::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  parameters.push_back({name + ".weight",
                        {width_, width_ + conditions_},
                        [this](const float* array) { load_weight(array); }});
  parameters.push_back(
      {name + ".bias", {width_}, [this](const float* array) { latent_.load_bias(array); }});
}

void ConditionedDense::load_weight(const float* weight) {
  const int row_stride = width_ + conditions_;
  latent_.load_weight(weight, row_stride);
  for (int condition = 0; condition < conditions_; ++condition) {
    float* column = columns_.get() + std::ptrdiff_t{condition} * width_;
    for (int row = 0; row < width_; ++row) {
      column[row] = weight[std::ptrdiff_t{row} * row_stride + width_ + condition];
    }
  }
}

void ConditionedDense::add_condition(int condition, float* y) const {
  const float* column = columns_.get() + std::ptrdiff_t{condition} * width_;
  for (int i = 0; i < width_; ++i) y[i] += column[i];
}

void ConditionedDense::spread_conditions(int first, const float* y, int rows, float* spread) const {
  const int stride = padded(width_);
  for (int r = 0; r < rows; ++r, y += stride) {
    for (int condition = first; condition < conditions_; ++condition, spread += stride) {
      std::copy_n(y, stride, spread);
      add_condition(condition, spread);
    }
  }
}

}  // namespace muzero::networks
