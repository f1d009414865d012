// Kernels for AVX-512: 24 of 32 registers hold the sums of 12 rows by 2 vectors.
#if defined(__x86_64__)
#include <immintrin.h>

#define MUZERO_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))
#define MUZERO_LANES 16
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 12
#define MUZERO_WIDEN_HALVES(p) (Vec) _mm512_maskz_cvtph_ps(0xffff, load_as<__m256i>(p))
#define MUZERO_MULTIPLY_PAIRS(a, b) (IntVec) _mm512_madd_epi16((__m512i)(a), (__m512i)(b))
#include "networks/kernel_sets.h"
#include "networks/kernels_body.h"

namespace muzero::networks {
const Kernels kAvx512Kernels = table("AVX-512");
}
#endif
