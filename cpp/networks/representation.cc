#include "networks/representation.h"

#include <algorithm>
#include <cstddef>

#include "networks/rows.h"

namespace muzero::networks {

RepresentationNetwork::RepresentationNetwork(const RepresentationSizes& sizes,
                                             const Arithmetic& arithmetic)
    : sizes_(sizes),
      kernels_(arithmetic.kernels),
      encoder_(arithmetic, sizes.features, sizes.channels, sizes.kernel),
      attention_(kernels_, sizes.channels, 1),
      projection_(arithmetic, sizes.channels + sizes.features, sizes.width),
      projection_norm_(kernels_, sizes.width),
      tower_(arithmetic, sizes.width, sizes.blocks) {
  encoder_.add_parameters("representation_network.encoder", parameters_);
  attention_.add_parameters("representation_network.attention", parameters_);
  projection_.add_parameters("representation_network.projection", parameters_);
  projection_norm_.add_parameters("representation_network.projection_norm", parameters_);
  tower_.add_parameters("representation_network.tower", parameters_);
}

RepresentationWorkspace RepresentationNetwork::workspace(int windows) const {
  const int rows = windows * sizes_.window_bars;
  return {.tcn = encoder_.workspace(rows),
          .attention = zeros(padded_area(rows, 1) + padded_area(windows, sizes_.window_bars)),
          .joined = zeros(padded_area(windows, sizes_.channels + sizes_.features)),
          .tower = Workspace(windows, sizes_.width, 0)};
}

void RepresentationNetwork::operator()(const float* observation, int windows,
                                       RepresentationWorkspace& workspace, float* latent) const {
  const int features = sizes_.features;
  const int rows = windows * sizes_.window_bars;
  pad_rows(observation, features, rows, features, workspace.tcn.x.get());
  encoder_({windows, sizes_.window_bars}, workspace.tcn);
  pool(windows, workspace);
  const std::ptrdiff_t joined = padded(sizes_.channels + features);
  for (std::ptrdiff_t w = 0; w < windows; ++w) {
    std::copy_n(observation + ((w + 1) * sizes_.window_bars - 1) * features, features,
                workspace.joined.get() + w * joined + sizes_.channels);
  }
  float* x = workspace.tower.x.get();
  projection_(workspace.joined.get(), windows, x);
  projection_norm_.apply_relu(x, windows, x);
  tower_(windows, workspace.tower);
  unpad_rows(x, windows, sizes_.width, latent);
}

// Mean of a window's encoded bars, weighted by attention -> the first channels of joined.
void RepresentationNetwork::pool(int windows, RepresentationWorkspace& workspace) const {
  const int bars = sizes_.window_bars;
  const int channels = sizes_.channels;
  const float* encoded = workspace.tcn.inner.get();
  float* scores = workspace.attention.get();
  attention_(encoded, windows * bars, scores);
  float* weights = scores + std::ptrdiff_t{windows} * bars * padded(1);
  std::fill_n(weights, std::ptrdiff_t{windows} * padded(bars), kImpossibleLogit);
  for (std::ptrdiff_t w = 0; w < windows; ++w) {
    for (std::ptrdiff_t t = 0; t < bars; ++t) {
      weights[w * padded(bars) + t] = scores[(w * bars + t) * padded(1)];
    }
  }
  kernels_.softmax(weights, windows, padded(bars));
  float* pooled = workspace.joined.get();
  for (int w = 0; w < windows; ++w, pooled += padded(channels + sizes_.features)) {
    std::fill_n(pooled, channels, 0.0f);
    for (int t = 0; t < bars; ++t, encoded += padded(channels)) {
      const float weight = weights[std::ptrdiff_t{w} * padded(bars) + t];
      for (int i = 0; i < channels; ++i) pooled[i] += weight * encoded[i];
    }
  }
}

}  // namespace muzero::networks
