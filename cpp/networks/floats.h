// Aligned arrays of float.
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/aligned.h"

namespace muzero::networks {

using Floats = AlignedArray<float>;

inline Floats uninitialized(std::size_t count) { return allocate_aligned<float>(count); }

inline Floats zeros(std::size_t count) {
  Floats floats = uninitialized(count);
  std::fill_n(floats.get(), count, 0.0f);
  return floats;
}

}  // namespace muzero::networks
