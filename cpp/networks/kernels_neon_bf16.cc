// Products in bfloat16 by FEAT_BF16: Apple's processors from the M2 on, Arm's from the Neoverse V1.
#if defined(__aarch64__)
#include <arm_neon.h>

#define MUZERO_TARGET __attribute__((target("arch=armv8.2-a+bf16")))
#define MUZERO_LANES 4
#define MUZERO_PANEL_VECTORS 4
#define MUZERO_BLOCK_ROWS 6
#include "networks/kernel_sets.h"
#include "networks/kernels_multiply.h"

namespace muzero::networks {
namespace {

// BFMLALT and BFMLALB each are a fused multiply-add in float32, of the second and of the first of
// each pair. BFDOT and BFMMLA would do both at once, but round otherwise than BFloat16.
struct BFloat16Long : BFloat16 {
  using Row = std::uint16_t;
  using Weights = bfloat16x8_t;
  using One = bfloat16x8_t;

  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    for (int i = 0; i < padded(in); i += kLanes) {
      const Vec lanes = load_inputs(x, i, in);
      const Vec size = of_bits(bits_of(lanes) & 0x7fffffffu);
      const Vec kept = size < kSmallestBFloat16 ? Vec{} : lanes;
      const bfloat16x4_t halves = vcvt_bf16_f32((float32x4_t)kept);  // to nearest, ties to even
      std::memcpy(to + i, &halves, sizeof halves);
    }
    return {};
  }
  MUZERO_INLINE static Weights load(const Weight* weights) {
    return load_as<bfloat16x8_t>(weights);
  }
  MUZERO_INLINE static One spread(const Row* row) {
    return vreinterpretq_bf16_u32(vdupq_n_u32(load_as<std::uint32_t>(row)));
  }
  MUZERO_INLINE static Sum plus(Sum sum, One one, Weights w) {
    return (Vec)vbfmlalbq_f32(vbfmlaltq_f32((float32x4_t)sum, w, one), w, one);
  }
};

}  // namespace

const Product kNeonBFloat16 = product_of<BFloat16Long>("NEON BFMLAL");

}  // namespace muzero::networks
#endif
