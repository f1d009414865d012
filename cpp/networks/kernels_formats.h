// The number formats of products, included by a file that defines what kernels_lanes.h asks for.
// What a format has is told at the head of kernels_multiply.h. Without instructions of their own
// they compute the same bits with those that every processor has. A file may define
//   MUZERO_WIDEN_HALVES(p)      floats of kLanes float16 at p
//   MUZERO_MULTIPLY_PAIRS(a, b) sums of the products of pairs of int16, in int32 lanes
#pragma once

#include <limits>

#include "networks/kernels_lanes.h"

namespace muzero::networks {
namespace {

typedef std::uint16_t HalfVec __attribute__((vector_size(kLanes * sizeof(std::uint16_t))));
typedef std::uint8_t ByteVec __attribute__((vector_size(kLanes)));

// What an integer of a row is worth: x = (element - zero) * step.
struct RowScale {
  float step;
  std::int32_t zero;
};

template <typename V, typename T>
MUZERO_INLINE V load_as(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Lanes of a row from i on, with zeros after its `in` inputs.
MUZERO_INLINE Vec load_inputs(const float* x, int i, int in) {
  if (i + kLanes <= in) return load(x + i);
  float lanes[kLanes] = {};
  for (int lane = 0; i + lane < in; ++lane) lanes[lane] = x[i + lane];
  return load(lanes);
}

struct Float32 {
  using Weight = float;
  using Row = float;
  using Weights = Vec;
  using One = Vec;
  using Sum = Vec;
  static constexpr int kInputs = 1, kElements = 1;
  static constexpr bool kRounds = false;

  MUZERO_INLINE static Weights load(const Weight* weights) { return networks::load(weights); }
  MUZERO_INLINE static One spread(const Row* row) { return splat(*row); }
  MUZERO_INLINE static Sum start(const Panels& panels, int column) {
    return networks::load(panels.bias + column);
  }
  MUZERO_INLINE static Sum plus(Sum sum, One one, Weights w) { return sum + one * w; }
  MUZERO_INLINE static Vec finish(Sum sum, const Panels&, int, RowScale) { return sum; }
};

// ---- bfloat16 ----------------------------------------------------------------------------------

// x to the nearest bfloat16, ties to even. AVX512-BF16 takes subnormal numbers for zero; there are
// none in a sum of products of numbers that are at least kSmallestBFloat16 or zero, so that no
// processor needs to be told to do the same.
MUZERO_INLINE Vec to_bfloat16(Vec x) {
  const BitVec bits = bits_of(x);
  const BitVec rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  const Vec size = of_bits(bits & 0x7fffffffu);
  const Vec nearest = size < kSmallestBFloat16 ? Vec{} : of_bits(rounded);
  return x != x ? x : nearest;
}

// Words of two weights; in a row, the floats themselves.
struct BFloat16 {
  struct Pair {
    Vec first;
    Vec second;
  };
  using Weight = std::uint32_t;
  using Row = float;
  using Weights = Pair;
  using One = Pair;
  using Sum = Vec;
  static constexpr int kInputs = 2, kElements = 2;
  static constexpr bool kRounds = true;

  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    for (int i = 0; i < padded(in); i += kLanes) store(to + i, to_bfloat16(load_inputs(x, i, in)));
    return {};
  }
  MUZERO_INLINE static Weights load(const Weight* weights) {
    const BitVec words = load_as<BitVec>(weights);
    return {of_bits(words << 16), of_bits(words & 0xffff0000u)};
  }
  MUZERO_INLINE static One spread(const Row* row) { return {splat(row[0]), splat(row[1])}; }
  MUZERO_INLINE static Sum start(const Panels&, int) { return Sum{}; }
  MUZERO_INLINE static Sum plus(Sum sum, const One& one, const Weights& w) {
    sum += one.second * w.second;
    sum += one.first * w.first;
    return sum;
  }
  MUZERO_INLINE static Vec finish(Sum sum, const Panels& panels, int column, RowScale) {
    return sum + networks::load(panels.bias + column);
  }
};

// ---- float16 -----------------------------------------------------------------------------------

// x to the nearest float16, ties to even.
MUZERO_INLINE Vec to_float16(Vec x) {
  constexpr float kSmallestNormal = 0x1p-14f, kRounder = 0x1.8p-1f, kInfinite = 65520.0f;
  const BitVec bits = bits_of(x);
  const BitVec rounded = (bits + 0xfffu + ((bits >> 13) & 1u)) & 0xffffe000u;
  const BitVec sign = bits & 0x80000000u;
  const Vec size = of_bits(bits & 0x7fffffffu);
  // Subnormal numbers are multiples of 2^-24: adding kRounder leaves no others.
  const BitVec subnormal = bits_of((size + kRounder) - kRounder) | sign;
  const BitVec finite = size < kSmallestNormal ? subnormal : rounded;
  const BitVec nearest = size >= kInfinite ? sign | 0x7f800000u : finite;
  return x != x ? x : of_bits(nearest);
}

#if !defined(MUZERO_WIDEN_HALVES)
MUZERO_INLINE Vec widen_halves(const std::uint16_t* p) {
  const BitVec half = __builtin_convertvector(load_as<HalfVec>(p), BitVec);
  const BitVec size = (half & 0x7fffu) << 13;
  const BitVec finite = bits_of(of_bits(size) * 0x1p112f);
  const BitVec all = size >= 0x0f800000u ? size | 0x7f800000u : finite;
  return of_bits(all | (half & 0x8000u) << 16);
}
#define MUZERO_WIDEN_HALVES(p) widen_halves(p)
#endif

// Weights take half the memory. The product of two is exact in float32, so sums run as Float32's.
struct Float16 : Float32 {
  using Weight = std::uint16_t;
  static constexpr bool kRounds = true;

  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    for (int i = 0; i < padded(in); i += kLanes) store(to + i, to_float16(load_inputs(x, i, in)));
    return {};
  }
  MUZERO_INLINE static Weights load(const Weight* weights) { return MUZERO_WIDEN_HALVES(weights); }
};

// ---- int8 --------------------------------------------------------------------------------------

#if !defined(MUZERO_MULTIPLY_PAIRS)
MUZERO_INLINE IntVec multiply_pairs(IntVec a, IntVec b) {
  return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}
#define MUZERO_MULTIPLY_PAIRS(a, b) multiply_pairs(a, b)
#endif

// A row's inputs to 0 .. 255 over its range, in which 0 is exact. A row that is not finite gets a
// step that is not a number, and so does all that comes of it.
MUZERO_INLINE RowScale to_bytes(const float* x, int in, std::uint8_t* to) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  constexpr float kSmallestRange = 1e-30f, kLargestRange = std::numeric_limits<float>::max();
  Vec most{}, least{}, wrong{};
  for (int i = 0; i < in; i += kLanes) {
    const Vec lanes = load_inputs(x, i, in);
    most = larger(lanes, most);
    least = larger(-lanes, least);
    wrong += lanes - lanes;
  }
  float high = 0.0f, low = 0.0f, odd = 0.0f;
  for (int lane = 0; lane < kLanes; ++lane) {
    high = most[lane] > high ? most[lane] : high;
    low = least[lane] > low ? least[lane] : low;
    odd += wrong[lane];
  }
  const float range = high + low;
  const bool divides = range > kSmallestRange && range <= kLargestRange;
  const float inverse = divides ? 255.0f / range : 0.0f;
  const float zero = divides ? low * inverse + kRounder - kRounder : 0.0f;
  const IntVec first = reinterpret_cast<IntVec>(splat(kRounder));
  for (int i = 0; i < padded(in); i += kLanes) {
    const Vec shifted = load_inputs(x, i, in) * inverse + (kRounder + zero);
    IntVec element = reinterpret_cast<IntVec>(shifted) - first;
    element = element > 255 ? splat(255) : element;
    element = element < 0 ? IntVec{} : element;
    const ByteVec bytes = __builtin_convertvector(element, ByteVec);
    std::memcpy(to + i, &bytes, sizeof bytes);
  }
  return {range * (1.0f / 255.0f) + odd, static_cast<std::int32_t>(zero)};
}

// Words of four weights, from -127 to 127, or of four elements of a row.
struct Int8 {
  struct Pairs {
    IntVec even;  // the first and third of a word, as int16
    IntVec odd;
  };
  using Weight = std::uint32_t;
  using Row = std::uint8_t;
  using Weights = Pairs;
  using One = Pairs;
  using Sum = IntVec;
  static constexpr int kInputs = 4, kElements = 4;
  static constexpr bool kRounds = true;

  MUZERO_INLINE static RowScale round(const float* x, int in, Row* to) {
    return to_bytes(x, in, to);
  }
  MUZERO_INLINE static Weights load(const Weight* weights) {
    typedef std::int16_t Shorts __attribute__((vector_size(kLanes * sizeof(float))));
    const Shorts words = load_as<Shorts>(weights);
    return {reinterpret_cast<IntVec>((words << 8) >> 8), reinterpret_cast<IntVec>(words >> 8)};
  }
  MUZERO_INLINE static One spread(const Row* row) {
    const std::uint32_t word = load_as<std::uint32_t>(row);
    return {splat(static_cast<std::int32_t>(word & 0x00ff00ffu)),
            splat(static_cast<std::int32_t>(word >> 8 & 0x00ff00ffu))};
  }
  MUZERO_INLINE static Sum start(const Panels&, int) { return Sum{}; }
  MUZERO_INLINE static Sum plus(Sum sum, const One& one, const Weights& w) {
    return sum + MUZERO_MULTIPLY_PAIRS(one.even, w.even) + MUZERO_MULTIPLY_PAIRS(one.odd, w.odd);
  }
  MUZERO_INLINE static Vec finish(Sum sum, const Panels& panels, int column, RowScale row) {
    const IntVec weights = load_as<IntVec>(panels.sums + column);
    const Vec whole = __builtin_convertvector(sum - row.zero * weights, Vec);
    const Vec scale = networks::load(panels.scale + column) * row.step;
    return whole * scale + networks::load(panels.bias + column);
  }
};

}  // namespace
}  // namespace muzero::networks
