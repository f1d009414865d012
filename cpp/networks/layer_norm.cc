#include "networks/layer_norm.h"

#include <algorithm>
#include <cstddef>

#include "common/integers.h"

namespace muzero::networks {

LayerNorm::LayerNorm(const Kernels& kernels, int width)
    : kernels_(kernels),
      width_(width),
      gain_(zeros(as_size(padded(width)))),
      bias_(zeros(as_size(padded(width)))) {}

void LayerNorm::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  const auto copy_to = [this](float* to) {
    return [this, to](const float* array) { std::copy_n(array, width_, to); };
  };
  parameters.push_back({name + ".weight", {width_}, copy_to(gain_.get())});
  parameters.push_back({name + ".bias", {width_}, copy_to(bias_.get())});
}

}  // namespace muzero::networks
