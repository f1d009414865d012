// Products in float16 by FEAT_FHM: Apple's processors from the M1 on, Arm's from Armv8.4 on.
#if defined(__aarch64__)
#include <arm_neon.h>

#define MUZERO_TARGET __attribute__((target("arch=armv8.2-a+fp16fml")))
#define MUZERO_LANES 4
#define MUZERO_PANEL_VECTORS 4
#define MUZERO_BLOCK_ROWS 6
#include "networks/kernel_sets.h"
#include "networks/kernels_multiply.h"

namespace muzero::networks {
namespace {

// FMLAL multiplies float16 and adds to float32, rounding once, as Float16 does. FMLA on float16
// would take twice the lanes, but keep sums in float16.
struct Float16Long : Float16 {
  using Row = std::uint16_t;
  using Weights = float16x8_t;  // of which FMLAL takes the lower four
  using One = float16x8_t;

  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    for (int i = 0; i < padded(in); i += kLanes) {
      const float16x4_t halves = vcvt_f16_f32((float32x4_t)load_inputs(x, i, in));
      std::memcpy(to + i, &halves, sizeof halves);
    }
    return {};
  }
  MUZERO_INLINE static Weights load(const Weight* weights) {
    const uint16x4_t four = vld1_u16(weights);
    return vreinterpretq_f16_u16(vcombine_u16(four, four));
  }
  MUZERO_INLINE static One spread(const Row* row) {
    return vreinterpretq_f16_u16(vld1q_dup_u16(row));
  }
  MUZERO_INLINE static Sum plus(Sum sum, One one, Weights w) {
    return (Vec)vfmlalq_low_f16((float32x4_t)sum, w, one);
  }
};

}  // namespace

const Product kNeonFloat16 = product_of<Float16Long>("NEON FMLAL");

}  // namespace muzero::networks
#endif
