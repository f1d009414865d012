// Kernels for AVX2 with FMA: 12 of 16 registers hold the sums of 6 rows by 2 vectors.
#if defined(__x86_64__)
#define MUZERO_TARGET __attribute__((target("avx2,fma")))
#define MUZERO_LANES 8
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 6
#include "networks/kernel_sets.h"
#include "networks/kernels_body.h"

namespace muzero::networks {
const Kernels kAvx2Kernels = table("AVX2");
}
#endif
