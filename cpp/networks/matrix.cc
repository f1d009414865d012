#include "networks/matrix.h"

#include <algorithm>

#if defined(MUZERO_CBLAS)
#include <Accelerate/Accelerate.h>

#include "common/integers.h"
#endif

namespace muzero::networks {

#if defined(MUZERO_CBLAS)

// Accelerate uses the matrix units of Apple's processors, which no public instruction does; it
// packs weights itself.

std::size_t packed_size(int in, int out) { return as_size(in) * as_size(out); }

void pack(const Kernels&, const float* weight, int row_stride, int in, int out, float* packed) {
  for (int row = 0; row < out; ++row) {
    std::copy_n(weight + std::ptrdiff_t{row} * row_stride, in, packed + std::ptrdiff_t{row} * in);
  }
}

void multiply(const Kernels&, const Panels& packed, const float* x, int rows, float* y) {
  const int columns = padded(packed.out);
  for (int r = 0; r < rows; ++r) {
    std::copy_n(packed.bias, columns, y + std::ptrdiff_t{r} * columns);
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, packed.out, packed.in, 1.0f, x,
              padded(packed.in), packed.weights, packed.in, 1.0f, y, columns);
}

#else

std::size_t packed_size(int in, int out) { return padded_area(in, out); }

void pack(const Kernels& kernels, const float* weight, int row_stride, int in, int out,
          float* packed) {
  const int panel = kernels.panel;
  for (int first = 0; first < out; first += panel) {
    float* columns = packed + std::ptrdiff_t{first} * in;
    const int last = std::min(first + panel, out);
    for (int row = first; row < last; ++row) {
      const float* from = weight + std::ptrdiff_t{row} * row_stride;
      for (int k = 0; k < in; ++k) columns[std::ptrdiff_t{k} * panel + row - first] = from[k];
    }
  }
}

void multiply(const Kernels& kernels, const Panels& packed, const float* x, int rows, float* y) {
  kernels.multiply(packed, x, rows, y);
}

#endif

}  // namespace muzero::networks
