// Kernels for AVX2 with FMA: 12 sums of 6 rows by 2 registers, of 16 registers.
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
