// Products in int8 by FEAT_DotProd: Apple's processors from the M1 on, Arm's from the Cortex-A55
// on.
#if defined(__aarch64__)
#include <arm_neon.h>

#define MUZERO_TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#define MUZERO_LANES 4
#define MUZERO_PANEL_VECTORS 4
#define MUZERO_BLOCK_ROWS 6
#include "networks/kernel_sets.h"
#include "networks/kernels_multiply.h"

namespace muzero::networks {
namespace {

// SDOT takes signed bytes: elements of a row from 0 to 255 become -128 to 127, and so their zero.
struct Int8Signed : Int8 {
  using Weights = int8x16_t;
  using One = int8x16_t;

  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    const RowScale scale = to_bytes(x, in, to);
    for (int i = 0; i < padded(in); i += 16) {
      vst1q_u8(to + i, veorq_u8(vld1q_u8(to + i), vdupq_n_u8(0x80)));
    }
    return {scale.step, scale.zero - 128};
  }
  MUZERO_INLINE static Weights load(const Weight* weights) { return load_as<int8x16_t>(weights); }
  MUZERO_INLINE static One spread(const Row* row) {
    return vreinterpretq_s8_u32(vdupq_n_u32(load_as<std::uint32_t>(row)));
  }
  MUZERO_INLINE static Sum plus(Sum sum, One one, Weights w) {
    return (IntVec)vdotq_s32((int32x4_t)sum, w, one);
  }
};

}  // namespace

const Product kNeonInt8 = product_of<Int8Signed>("NEON SDOT");

}  // namespace muzero::networks
#endif
