// Products in bfloat16 by AVX512-BF16.
#if defined(__x86_64__)
#include <immintrin.h>

#define MUZERO_TARGET \
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,avx512bf16")))
#define MUZERO_LANES 16
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 12
#include "networks/kernel_sets.h"
#include "networks/kernels_multiply.h"

namespace muzero::networks {
namespace {

// vdpbf16ps multiplies and adds the second of each pair, then the first, as BFloat16 does;
// vcvtne2ps2bf16 rounds to the nearest, ties to even.
struct BFloat16Dot : BFloat16 {
  using Row = std::uint16_t;
  using Weights = __m512bh;
  using One = __m512bh;

  MUZERO_INLINE static __m512 without_small(const float* x, int i, int in) {
    const auto lanes = (__m512)load_inputs(x, i, in);
    const __m512 smallest = _mm512_set1_ps(kSmallestBFloat16);
    // Not less than, so that NaN stays.
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(_mm512_abs_ps(lanes), smallest, _CMP_NLT_UQ),
                               lanes);
  }
  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    for (int i = 0; i < padded(in); i += 2 * kLanes) {
      const __m512 low = without_small(x, i, in), high = without_small(x, i + kLanes, in);
      const __m512bh halves = _mm512_cvtne2ps_pbh(high, low);
      std::memcpy(to + i, &halves, sizeof halves);
    }
    return {};
  }
  MUZERO_INLINE static Weights load(const Weight* weights) { return load_as<__m512bh>(weights); }
  MUZERO_INLINE static One spread(const Row* row) {
    return (__m512bh)splat(load_as<std::int32_t>(row));
  }
  MUZERO_INLINE static Sum plus(Sum sum, One one, Weights w) {
    return (Vec)_mm512_dpbf16_ps((__m512)sum, w, one);
  }
};

}  // namespace

const Product kAvx512BFloat16 = product_of<BFloat16Dot>("AVX512-BF16");

}  // namespace muzero::networks
#endif
