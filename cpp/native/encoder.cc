#include "native/encoder.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "common/integers.h"

namespace muzero::native {
namespace {

// Windows computed together. Fixed, so that a latent does not depend on the number of threads even
// where it depends on the other windows in the batch (Accelerate).
constexpr int kWindows = 8;

}  // namespace

Encoder::Encoder(const networks::RepresentationSizes& sizes, const networks::Arithmetic& arithmetic,
                 int threads)
    : network_(sizes, arithmetic), pool_(threads) {
  for (int i = 0; i < threads; ++i) workspaces_.push_back(network_.workspace(kWindows));
}

void Encoder::encode(const float* observation, int windows, float* latent) {
  const networks::RepresentationSizes& sizes = network_.sizes();
  const std::ptrdiff_t values = std::ptrdiff_t{sizes.window_bars} * sizes.features;
  std::atomic<int> next = 0;
  pool_.for_each(pool_.shares(), [&](int worker) {
    for (int first = kWindows * next++; first < windows; first = kWindows * next++) {
      network_(observation + first * values, std::min(kWindows, windows - first),
               workspaces_[as_size(worker)], latent + std::ptrdiff_t{first} * sizes.width);
    }
  });
}

}  // namespace muzero::native
