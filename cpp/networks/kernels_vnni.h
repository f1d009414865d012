// Products in int8 by vpdpbusd, which sums four products of unsigned and signed bytes without
// saturating. Included by a file that defines what kernels_lanes.h asks for, and
//   MUZERO_DOT(sum, row, weights)  the instruction, on vectors of int32
#pragma once

#include "networks/kernels_multiply.h"

namespace muzero::networks {
namespace {

struct Int8Dot : Int8 {
  using Weights = IntVec;
  using One = IntVec;

  MUZERO_INLINE static Weights load(const Weight* weights) { return load_as<IntVec>(weights); }
  MUZERO_INLINE static One spread(const Row* row) { return splat(load_as<std::int32_t>(row)); }
  MUZERO_INLINE static Sum plus(Sum sum, One one, Weights w) { return MUZERO_DOT(sum, one, w); }
};

}  // namespace
}  // namespace muzero::networks
