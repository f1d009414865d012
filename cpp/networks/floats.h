// Memory for vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace muzero::networks {

inline constexpr std::align_val_t kAlignment{64};

struct AlignedDelete {
  void operator()(float* p) const { ::operator delete[](p, kAlignment); }
};

// Floats on a cache line's boundary.
using Floats = std::unique_ptr<float[], AlignedDelete>;

inline Floats uninitialized(std::size_t count) {
  return Floats(static_cast<float*>(::operator new[](count * sizeof(float), kAlignment)));
}

inline Floats zeros(std::size_t count) {
  Floats floats = uninitialized(count);
  std::fill_n(floats.get(), count, 0.0f);
  return floats;
}

}  // namespace muzero::networks
