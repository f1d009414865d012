#include "networks/dense.h"

#include <cstddef>

#include "common/integers.h"
#include "networks/matrix.h"

namespace muzero::networks {

Dense::Dense(const Kernels& kernels, int in, int out, float padding)
    : kernels_(kernels),
      in_(in),
      out_(out),
      weight_(zeros(packed_size(in, out))),
      bias_(uninitialized(as_size(padded(out)))) {
  std::fill_n(bias_.get(), padded(out), padding);
  std::fill_n(bias_.get(), out, 0.0f);
}

void Dense::load_weight(const float* weight, int row_stride) {
  pack(kernels_, weight, row_stride, in_, out_, weight_.get());
}

void Dense::load_bias(const float* bias) { std::copy_n(bias, out_, bias_.get()); }

void Dense::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  parameters.push_back(
      {name + ".weight", {out_, in_}, [this](const float* array) { load_weight(array, in_); }});
  parameters.push_back({name + ".bias", {out_}, [this](const float* array) { load_bias(array); }});
}

void Dense::operator()(const float* x, int rows, float* y) const {
  multiply(kernels_, {weight_.get(), bias_.get(), in_, out_}, x, rows, y);
}

}  // namespace muzero::networks
