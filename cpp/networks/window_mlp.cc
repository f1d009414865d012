#include "networks/window_mlp.h"

#include <algorithm>
#include <cstddef>

#include "common/integers.h"
#include "networks/rows.h"

namespace muzero::networks {

WindowMlp::WindowMlp(const WindowSizes& sizes, const Arithmetic& arithmetic)
    : sizes_(sizes),
      inputs_(sizes.features + (sizes.window_bars - 1) * static_cast<int>(sizes.history.size())),
      mean_(zeros(as_size(sizes.features))),
      scale_(zeros(as_size(sizes.features))),
      first_(arithmetic, inputs_, sizes.width),
      second_(arithmetic, sizes.width, sizes.width) {}

void WindowMlp::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  const auto copy_to = [this](float* to) {
    return [this, to](const float* array) { std::copy_n(array, sizes_.features, to); };
  };
  parameters.push_back({name + ".observation_norm.mean", {sizes_.features}, copy_to(mean_.get())});
  parameters.push_back(
      {name + ".observation_norm.scale", {sizes_.features}, copy_to(scale_.get())});
  first_.add_parameters(name + ".first", parameters);
  second_.add_parameters(name + ".second", parameters);
}

void WindowMlp::operator()(const float* observation, int columns, int windows, Workspace& workspace,
                           float* latent) const {
  const int earlier = sizes_.window_bars - 1;
  float* joined = workspace.logits.get();
  for (int w = 0; w < windows; ++w, joined += padded(inputs_)) {
    const float* newest = observation + std::ptrdiff_t{earlier} * columns;
    float* to = joined;
    for (int i = 0; i < sizes_.features; ++i) *to++ = normal(newest, i);
    for (int bar = 0; bar < earlier; ++bar, observation += columns) {
      for (const int column : sizes_.history) *to++ = normal(observation, column);
    }
    observation += columns;
  }
  float* x = workspace.x.get();
  const std::size_t count = padded_area(windows, sizes_.width);
  first_(workspace.logits.get(), windows, x);
  relu(count, x);
  second_(x, windows, latent);
  relu(count, latent);
}

// A column of a row of an observation, to mean 0 and deviation 1.
float WindowMlp::normal(const float* row, int column) const {
  const std::size_t i = as_size(column);
  return (row[i] - mean_[i]) * scale_[i];
}

}  // namespace muzero::networks
