// Kernels for AVX2 with FMA: 12 of 16 registers hold the sums of 6 rows by 2 vectors.
#if defined(__x86_64__)
#include <immintrin.h>

#define MUZERO_TARGET __attribute__((target("avx2,fma,f16c")))
#define MUZERO_LANES 8
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 6
#define MUZERO_WIDEN_HALVES(p) (Vec) _mm256_cvtph_ps(load_as<__m128i>(p))
#define MUZERO_MULTIPLY_PAIRS(a, b) (IntVec) _mm256_madd_epi16((__m256i)(a), (__m256i)(b))
#include "networks/kernel_sets.h"
#include "networks/kernels_body.h"

namespace muzero::networks {
const Kernels kAvx2Kernels = table("AVX2");
}
#endif
