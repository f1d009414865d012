// Products in float32 by Accelerate (MUZERO_CBLAS, which CMakeLists.txt defines). It packs weights
// itself, and has used the matrix units of Apple's processors since the M1, of which programs reach
// only the M4's and later ones (kernels_sme.cc). Results are the same for the same call alone.
#if defined(MUZERO_CBLAS)
#include <Accelerate/Accelerate.h>

#include <algorithm>

#include "networks/kernel_sets.h"

namespace muzero::networks {
namespace {

void multiply_float32(const Panels& panels, const float* x, int rows, float* y) {
  const int columns = padded(panels.out);
  for (int r = 0; r < rows; ++r) std::copy_n(panels.bias, columns, y + std::ptrdiff_t{r} * columns);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, panels.out, panels.in, 1.0f, x,
              padded(panels.in), static_cast<const float*>(panels.weights), panels.in, 1.0f, y,
              columns);
}

}  // namespace

// Panels of one column are the rows of W.
const Product kAccelerateFloat32{"Accelerate", 1, 1, multiply_float32};

}  // namespace muzero::networks
#endif
