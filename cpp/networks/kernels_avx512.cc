// Kernels for AVX-512: 24 of 32 registers hold the sums of 12 rows by 2 vectors.
#if defined(__x86_64__)
#define MUZERO_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))
#define MUZERO_LANES 16
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 12
#include "networks/kernel_sets.h"
#include "networks/kernels_body.h"

namespace muzero::networks {
const Kernels kAvx512Kernels = table("AVX-512");
}
#endif
