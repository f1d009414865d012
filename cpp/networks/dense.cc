#include "networks/dense.h"

#include "common/integers.h"

namespace muzero::networks {

Dense::Dense(const Arithmetic& arithmetic, int in, int out, float padding)
    : in_(in), out_(out), weight_(arithmetic, in, out), bias_(uninitialized(as_size(padded(out)))) {
  std::fill_n(bias_.get(), padded(out), padding);
  std::fill_n(bias_.get(), out, 0.0f);
}

void Dense::load_weight(const float* weight, int row_stride) { weight_.load(weight, row_stride); }

void Dense::load_bias(const float* bias) { std::copy_n(bias, out_, bias_.get()); }

void Dense::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  parameters.push_back(
      {name + ".weight", {out_, in_}, [this](const float* array) { load_weight(array, in_); }});
  parameters.push_back({name + ".bias", {out_}, [this](const float* array) { load_bias(array); }});
}

void Dense::operator()(const float* x, int rows, float* y) const {
  weight_.multiply(x, bias_.get(), rows, y);
}

}  // namespace muzero::networks
