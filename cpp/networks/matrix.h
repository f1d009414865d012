// The matrix product under every layer: our packed kernel, or Accelerate on macOS
// (MUZERO_CBLAS, which CMakeLists.txt defines).
#pragma once

#include <cstddef>

#include "networks/kernels.h"

namespace muzero::networks {

// Number of floats in packed weights [out, in].
std::size_t packed_size(int in, int out);

// Packs weight [out, in], whose rows are `row_stride` apart, for multiply().
void pack(const Kernels& kernels, const float* weight, int row_stride, int in, int out,
          float* packed);

// Whether a row of a product is the same, bit for bit, whatever the other rows are: true for our
// kernels, but Accelerate promises it only for identical calls.
#if defined(MUZERO_CBLAS)
inline constexpr bool kRowsAreIndependent = false;
#else
inline constexpr bool kRowsAreIndependent = true;
#endif

// y = x W^T + b; x [rows, padded(in)], y [rows, padded(out)].
void multiply(const Kernels& kernels, const Panels& packed, const float* x, int rows, float* y);

}  // namespace muzero::networks
