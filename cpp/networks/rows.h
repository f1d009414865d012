// Loops over padded rows.
#pragma once

#include <algorithm>
#include <cstddef>

#include "networks/kernels.h"

namespace muzero::networks {

// x [rows, width], its rows `row_stride` apart -> to [rows, padded(width)], padded with `padding`.
inline void pad_rows(const float* x, std::ptrdiff_t row_stride, int rows, int width, float* to,
                     float padding = 0.0f) {
  for (int r = 0; r < rows; ++r, x += row_stride, to += padded(width)) {
    std::copy_n(x, width, to);
    std::fill(to + width, to + padded(width), padding);
  }
}

// x [rows, padded(width)] -> to [rows, width].
inline void unpad_rows(const float* x, int rows, int width, float* to) {
  for (int r = 0; r < rows; ++r, x += padded(width), to += width) std::copy_n(x, width, to);
}

inline void relu(std::size_t count, float* x) {
  // Written so that NaN stays NaN.
  for (std::size_t i = 0; i < count; ++i) x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

}  // namespace muzero::networks
