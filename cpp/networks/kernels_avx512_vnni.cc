// Products in int8 by AVX512-VNNI.
#if defined(__x86_64__)
#include <immintrin.h>

#define MUZERO_TARGET \
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,avx512vnni")))
#define MUZERO_LANES 16
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 12
#define MUZERO_DOT(sum, row, weights) \
  (IntVec) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(row), (__m512i)(weights))
#include "networks/kernel_sets.h"
#include "networks/kernels_vnni.h"

namespace muzero::networks {
const Product kAvx512Int8 = product_of<Int8Dot>("AVX512-VNNI");
}
#endif
