// Source of the kernels, included once per instruction set by a file that defines
//   MUZERO_TARGET         function attribute that enables the instruction set
//   MUZERO_LANES          floats in a vector register
//   MUZERO_PANEL_VECTORS  vector registers across a panel
//   MUZERO_BLOCK_ROWS     rows whose sums are in registers at the same time
// Everything is in an unnamed namespace, so each file has its own copy.

#include <cmath>
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
constexpr int kLineFloats = static_cast<int>(kCacheLine / sizeof(float));

static_assert(kLaneBlock % kPanel == 0);

// Sums use 32 partial sums whatever the vector width, spread over several registers so that
// additions need not wait for each other.
constexpr int kPartialSums = 32;
static_assert(kLaneBlock % kPartialSums == 0);
constexpr int kSumVectors = kPartialSums / kLanes;

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
typedef float UnalignedVec
    __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));

MUZERO_INLINE Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
MUZERO_INLINE void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
// x - 0 rather than x + 0, which would turn -0 into 0 and so could not be optimized away.
MUZERO_INLINE Vec splat(float x) { return x - Vec{}; }
MUZERO_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }

// ---- y = x W^T + b -----------------------------------------------------------------------------

// The weights of all networks exceed a core's own caches, so every product would wait for its
// weights, and the hardware prefetcher helps too little. Each block of rows therefore prefetches
// weights while it is multiplied.
enum class Ahead {
  kOwn,    // its own panel, kAhead floats ahead
  kOthers  // part of the next panel; other blocks prefetch the rest
};
constexpr int kAhead = 2048;

// Multiplies kRows rows by one panel. Prefetches `step` floats of `others` per row of weights: at
// most one cache line, since at least two blocks share the work.
template <int kRows, Ahead kWhich>
MUZERO_INLINE void multiply_block(const float* weights, const float* bias, int in,
                                  const float* others, int step, const float* x,
                                  std::ptrdiff_t x_stride, float* y, std::ptrdiff_t y_stride) {
  Vec sum[kRows][kPanelVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanelVectors; ++v) sum[r][v] = load(bias + v * kLanes);
  }
  for (int k = 0; k < in; ++k, weights += kPanel) {
    if constexpr (kWhich == Ahead::kOwn) {
      for (int i = 0; i < kPanel; i += kLineFloats) __builtin_prefetch(weights + kAhead + i);
    } else {
      __builtin_prefetch(others, 0, 2);  // not into L1, which still needs this panel
      others += step;
    }
    Vec w[kPanelVectors];
    for (int v = 0; v < kPanelVectors; ++v) w[v] = load(weights + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const Vec one = splat(x[r * x_stride + k]);
      for (int v = 0; v < kPanelVectors; ++v) sum[r][v] += one * w[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanelVectors; ++v) store(y + r * y_stride + v * kLanes, sum[r][v]);
  }
}

// The same for `rows` rows, at most kRows.
template <int kRows, Ahead kWhich>
MUZERO_INLINE void multiply_rows(int rows, const float* weights, const float* bias, int in,
                                 const float* others, int step, const float* x,
                                 std::ptrdiff_t x_stride, float* y, std::ptrdiff_t y_stride) {
  if (rows == kRows) {
    multiply_block<kRows, kWhich>(weights, bias, in, others, step, x, x_stride, y, y_stride);
  } else if constexpr (kRows > 1) {
    multiply_rows<kRows - 1, kWhich>(rows, weights, bias, in, others, step, x, x_stride, y,
                                     y_stride);
  }
}

MUZERO_TARGET void multiply(const Panels& panels, const float* x, int rows, float* y) {
  const std::ptrdiff_t x_stride = padded(panels.in);
  const int columns = padded(panels.out);
  const std::ptrdiff_t panel_size = std::ptrdiff_t{panels.in} * kPanel;
  const int blocks = divided_up(rows, kBlockRows);
  const int step = divided_up(kPanel, blocks);
  for (int column = 0; column < columns; column += kPanel) {
    const float* weights = panels.weights + column / kPanel * panel_size;
    const float* next_panel = weights + panel_size;
    const float* bias = panels.bias + column;
    // Blocks of similar size: with only a few rows, the sums would wait for each other.
    for (int block = 0, r = 0; block < blocks; ++block) {
      const int next = rows * (block + 1) / blocks;
      const float* block_x = x + r * x_stride;
      float* block_y = y + std::ptrdiff_t{r} * columns + column;
      // No block has prefetched the first panel.
      if (blocks == 1 || (block == 0 && column == 0)) {
        multiply_rows<kBlockRows, Ahead::kOwn>(next - r, weights, bias, panels.in, nullptr, 0,
                                               block_x, x_stride, block_y, columns);
      } else {
        const float* others = next_panel + std::ptrdiff_t{block} * panels.in * step;
        multiply_rows<kBlockRows, Ahead::kOthers>(next - r, weights, bias, panels.in, others, step,
                                                  block_x, x_stride, block_y, columns);
      }
      r = next;
    }
  }
}

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

template <After kAfter>
MUZERO_INLINE void normalize_rows(const NormWeights& norm, const float* x, int rows, float* y) {
  const int stride = padded(norm.width);
  // Padding is zero: it does not affect the sum, but must not count as a deviation from the mean.
  const int whole = norm.width / kPartialSums * kPartialSums;
  const int rest = norm.width - whole;
  float counts[kPartialSums];
  for (int i = 0; i < kPartialSums; ++i) counts[i] = i < rest ? 1.0f : 0.0f;
  const float scale = 1.0f / static_cast<float>(norm.width);
  for (int r = 0; r < rows; ++r, x += stride, y += stride) {
    PartialSums sums{};
    for (int i = 0; i < norm.width; i += kPartialSums) {
      for (int v = 0; v < kSumVectors; ++v) sums.part[v] += load(x + i + v * kLanes);
    }
    const float mean = total(sums) * scale;
    PartialSums squares{};
    for (int i = 0; i < whole; i += kPartialSums) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Vec deviation = load(x + i + v * kLanes) - mean;
        squares.part[v] += deviation * deviation;
      }
    }
    if (rest > 0) {
      for (int v = 0; v < kSumVectors; ++v) {
        const Vec deviation = (load(x + whole + v * kLanes) - mean) * load(counts + v * kLanes);
        squares.part[v] += deviation * deviation;
      }
    }
    const float inverse = 1.0f / std::sqrt(total(squares) * scale + kLayerNormEpsilon);
    for (int i = 0; i < stride; i += kLanes) {
      Vec out = (load(x + i) - mean) * inverse * load(norm.gain + i) + load(norm.bias + i);
      if constexpr (kAfter == After::kAddRelu) out += load(y + i);
      // Written so that NaN stays NaN.
      if constexpr (kAfter != After::kNothing) out = out < 0.0f ? Vec{} : out;
      store(y + i, out);
    }
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
  return {name,    kPanel,     multiply, normalize, normalize_relu, normalize_add_relu,
          softmax, expectation};
}

}  // namespace
}  // namespace muzero::networks
