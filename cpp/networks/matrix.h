// The matrix product under every layer: our packed kernel, or Accelerate on macOS.
#pragma once

#include <cstddef>

#include "networks/kernels.h"

namespace muzero::networks {

// Floats that packed weights [out, in] take.
std::size_t packed_size(int in, int out);

// Copies weight [out, in], whose rows are `row_stride` apart, into the form multiply() reads.
void pack(const Kernels& kernels, const float* weight, int row_stride, int in, int out,
          float* packed);

// Whether a row of a product is the same, bit for bit, whatever rows are computed beside it: so it
// is with our kernels, but Accelerate promises that only for the same rows in the same call.
#if defined(__APPLE__)
inline constexpr bool kRowsAreIndependent = false;
#else
inline constexpr bool kRowsAreIndependent = true;
#endif

// y = x W^T + b; x [rows, padded(in)], y [rows, padded(out)].
void multiply(const Kernels& kernels, const Panels& packed, const float* x, int rows, float* y);

}  // namespace muzero::networks
