// Vectors of the kernels, included once per instruction set by a file that defines
//   MUZERO_TARGET         function attribute that enables the instruction set
//   MUZERO_LANES          floats in a vector register
//   MUZERO_PANEL_VECTORS  vector registers across a panel
//   MUZERO_BLOCK_ROWS     rows whose sums are in registers at the same time
// Everything is in an unnamed namespace, so each file has its own copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/aligned.h"
#include "common/integers.h"
#include "networks/kernels.h"

#define MUZERO_INLINE MUZERO_TARGET __attribute__((always_inline)) inline

namespace muzero::networks {
namespace {

constexpr int kLanes = MUZERO_LANES;
constexpr int kPanelVectors = MUZERO_PANEL_VECTORS;
constexpr int kPanel = kLanes * kPanelVectors;
constexpr int kBlockRows = MUZERO_BLOCK_ROWS;

static_assert(kLaneBlock % kPanel == 0);

template <int n>
struct Lanes {
  typedef float Type __attribute__((vector_size(n * sizeof(float))));
};
template <>
struct Lanes<1> {
  typedef float Type;
};

typedef Lanes<kLanes>::Type Vec;
typedef std::int32_t IntVec __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::uint32_t BitVec __attribute__((vector_size(kLanes * sizeof(float))));
typedef float UnalignedVec
    __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));

MUZERO_INLINE Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
MUZERO_INLINE void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
// x - 0 rather than x + 0, which would turn -0 into 0 and so could not be optimized away.
MUZERO_INLINE Vec splat(float x) { return x - Vec{}; }
MUZERO_INLINE IntVec splat(std::int32_t x) { return x - IntVec{}; }
MUZERO_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
MUZERO_INLINE BitVec bits_of(Vec v) { return reinterpret_cast<BitVec>(v); }
MUZERO_INLINE Vec of_bits(BitVec v) { return reinterpret_cast<Vec>(v); }

}  // namespace
}  // namespace muzero::networks
