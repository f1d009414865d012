// The matrix product under every layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "networks/arithmetic.h"
#include "networks/floats.h"

namespace muzero::networks {

// Weights [out, in], packed when they are loaded, not for every product.
class Matrix {
 public:
  Matrix(const Arithmetic& arithmetic, int in, int out);

  // weight [out, in], its rows `row_stride` apart.
  void load(const float* weight, int row_stride);
  // y = x W^T + bias; x [rows, padded(in)], bias [padded(out)], y [rows, padded(out)].
  void multiply(const float* x, const float* bias, int rows, float* y) const;

 private:
  // Packs a row of W after conversion to T.
  template <typename T, typename Convert>
  void pack(int row, const float* weight, const Convert& convert);
  void pack_int8(int row, const float* weight);

  Arithmetic arithmetic_;
  int in_;
  int out_;
  AlignedArray<std::byte> packed_;
  // int8 only, [padded(out)]:
  Floats scale_;
  AlignedArray<std::int32_t> sums_;
};

}  // namespace muzero::networks
