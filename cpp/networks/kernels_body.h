// Source of the kernels of an instruction set, included by a file that defines what
// kernels_lanes.h asks for.
#pragma once

#include <algorithm>
#include <cmath>

#include "networks/kernels_multiply.h"

namespace muzero::networks {
namespace {

// Sums use 32 partial sums whatever the vector width, spread over several registers so that
// additions need not wait for each other.
constexpr int kPartialSums = 32;
static_assert(kLaneBlock % kPartialSums == 0);
constexpr int kSumVectors = kPartialSums / kLanes;

// ---- sums over a row ---------------------------------------------------------------------------

struct PartialSums {
  Vec part[kSumVectors];
};

// Sum of n lanes, by adding halves until one lane is left.
template <int n>
MUZERO_INLINE float folded(typename Lanes<n>::Type v) {
  typename Lanes<n / 2>::Type low, high;
  std::memcpy(&low, &v, sizeof low);
  std::memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
  if constexpr (n > 2) {
    return folded<n / 2>(low + high);
  } else {
    return low + high;
  }
}

MUZERO_INLINE float total(PartialSums sums) {
  for (int half = kSumVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) sums.part[v] += sums.part[v + half];
  }
  return folded<kLanes>(sums.part[0]);
}

// ---- LayerNorm ---------------------------------------------------------------------------------

enum class After { kNothing, kRelu, kAddRelu };

// Rows that are normalized together, with sums in eight registers: the additions of one row wait
// for each other, and the others fill that time.
constexpr int kNormRows = std::max(1, 8 / kSumVectors);

// Normalizes kRows rows. `counts` is 1 where the last kPartialSums inputs are not padding: it is
// zero and does not affect the sum, but must not count as a deviation from the mean.
template <After kAfter, int kRows>
MUZERO_INLINE void normalize_block(const NormWeights& norm, const float* counts, const float* x,
                                   float* y) {
  const std::ptrdiff_t stride = padded(norm.width);
  const int whole = norm.width / kPartialSums * kPartialSums;
  const float scale = 1.0f / static_cast<float>(norm.width);
  PartialSums sums[kRows]{}, squares[kRows]{};
  float mean[kRows], inverse[kRows];
  for (int i = 0; i < norm.width; i += kPartialSums) {
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kSumVectors; ++v) {
        sums[r].part[v] += load(x + r * stride + i + v * kLanes);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) mean[r] = total(sums[r]) * scale;
  for (int i = 0; i < whole; i += kPartialSums) {
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Vec deviation = load(x + r * stride + i + v * kLanes) - mean[r];
        squares[r].part[v] += deviation * deviation;
      }
    }
  }
  if (whole < norm.width) {
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Vec deviation =
            (load(x + r * stride + whole + v * kLanes) - mean[r]) * load(counts + v * kLanes);
        squares[r].part[v] += deviation * deviation;
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    inverse[r] = 1.0f / std::sqrt(total(squares[r]) * scale + kLayerNormEpsilon);
  }
  for (int i = 0; i < stride; i += kLanes) {
    const Vec gain = load(norm.gain + i), bias = load(norm.bias + i);
    for (int r = 0; r < kRows; ++r) {
      float* to = y + r * stride + i;
      Vec out = (load(x + r * stride + i) - mean[r]) * inverse[r] * gain + bias;
      if constexpr (kAfter == After::kAddRelu) out += load(to);
      // Written so that NaN stays NaN.
      if constexpr (kAfter != After::kNothing) out = larger(Vec{}, out);
      store(to, out);
    }
  }
}

template <After kAfter>
MUZERO_INLINE void normalize_rows(const NormWeights& norm, const float* x, int rows, float* y) {
  const std::ptrdiff_t stride = padded(norm.width);
  float counts[kPartialSums];
  for (int i = 0; i < kPartialSums; ++i) {
    counts[i] = i < norm.width % kPartialSums ? 1.0f : 0.0f;
  }
  int r = 0;
  for (; r + kNormRows <= rows; r += kNormRows) {
    normalize_block<kAfter, kNormRows>(norm, counts, x + r * stride, y + r * stride);
  }
  for (; r < rows; ++r) {
    normalize_block<kAfter, 1>(norm, counts, x + r * stride, y + r * stride);
  }
}

MUZERO_TARGET void normalize(const NormWeights& norm, const float* x, int rows, float* y) {
  normalize_rows<After::kNothing>(norm, x, rows, y);
}
MUZERO_TARGET void normalize_relu(const NormWeights& norm, const float* x, int rows, float* y) {
  normalize_rows<After::kRelu>(norm, x, rows, y);
}
MUZERO_TARGET void normalize_add_relu(const NormWeights& norm, const float* x, int rows, float* y) {
  normalize_rows<After::kAddRelu>(norm, x, rows, y);
}

// ---- softmax -----------------------------------------------------------------------------------

// exp(x) for x <= 0, relative error 1e-7 (Cephes' polynomial); 0 below the smallest normal number.
MUZERO_INLINE Vec exp_of(Vec x) {
  constexpr float kLowest = -87.0f;
  constexpr float kLog2E = 1.44269504088896341f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const Vec clamped = x < kLowest ? splat(kLowest) : x;
  const Vec shifted = clamped * kLog2E + kRounder;
  const Vec n = shifted - kRounder;
  const Vec r = (clamped - n * kLn2High) - n * kLn2Low;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  IntVec power;  // n is in the low bits of `shifted`; move it to the exponent
  std::memcpy(&power, &shifted, sizeof power);
  power = (power << 23) + (127 << 23);
  Vec scale;
  std::memcpy(&scale, &power, sizeof scale);
  return x < kLowest ? Vec{} : p * scale;
}

MUZERO_INLINE float largest(const float* row, int stride) {
  Vec top = load(row);
  for (int i = kLanes; i < stride; i += kLanes) top = larger(load(row + i), top);
  float lanes[kLanes];
  store(lanes, top);
  float best = lanes[0];
  for (int i = 1; i < kLanes; ++i) best = lanes[i] > best ? lanes[i] : best;
  return best;
}

MUZERO_TARGET void softmax(float* logits, int rows, int stride) {
  for (int r = 0; r < rows; ++r, logits += stride) {
    const float top = largest(logits, stride);
    PartialSums sums{};
    for (int i = 0; i < stride; i += kPartialSums) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Vec weight = exp_of(load(logits + i + v * kLanes) - top);
        store(logits + i + v * kLanes, weight);
        sums.part[v] += weight;
      }
    }
    const float sum = total(sums);
    for (int i = 0; i < stride; i += kLanes) store(logits + i, load(logits + i) / sum);
  }
}

MUZERO_TARGET void expectation(const float* logits, const float* centers, int rows, int stride,
                               float* mean) {
  for (int r = 0; r < rows; ++r, logits += stride) {
    const float top = largest(logits, stride);
    PartialSums sums{}, weighted{};
    for (int i = 0; i < stride; i += kPartialSums) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Vec weight = exp_of(load(logits + i + v * kLanes) - top);
        sums.part[v] += weight;
        weighted.part[v] += weight * load(centers + i + v * kLanes);
      }
    }
    mean[r] = total(weighted) / total(sums);
  }
}

constexpr Kernels table(const char* name) {
  return {name,
          true,
          {product_of<Float32>("float32"), product_of<BFloat16>("float32"),
           product_of<Float16>("float32"), product_of<Int8>("int16")},
          normalize,
          normalize_relu,
          normalize_add_relu,
          softmax,
          expectation};
}

}  // namespace
}  // namespace muzero::networks
