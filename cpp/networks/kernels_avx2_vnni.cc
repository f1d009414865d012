// Products in int8 by AVX-VNNI.
#if defined(__x86_64__)
#include <immintrin.h>

#define MUZERO_TARGET __attribute__((target("avx2,fma,avxvnni")))
#define MUZERO_LANES 8
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 6
#define MUZERO_DOT(sum, row, weights) \
  (IntVec) _mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(row), (__m256i)(weights))
#include "networks/kernel_sets.h"
#include "networks/kernels_vnni.h"

namespace muzero::networks {
const Product kAvx2Int8 = product_of<Int8Dot>("AVX-VNNI");
}
#endif
