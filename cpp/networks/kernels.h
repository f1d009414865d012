// The networks' arithmetic, compiled for several instruction sets and chosen at run time.
//
// Rows are float32, padded so that kernels process whole vectors. A row's result never depends on
// the other rows: every sum runs in a fixed order. On machines with fused multiply-add, that order
// gives the same bits for every vector width. Accelerate is the exception to both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/integers.h"

namespace muzero::networks {

// Rows are padded to a multiple of this many floats: the widest panel of any instruction set.
inline constexpr int kLaneBlock = 32;

constexpr int padded(int width) { return rounded_up(width, kLaneBlock); }

// Number of floats in `rows` padded rows.
constexpr std::size_t padded_area(int rows, int width) {
  return as_size(rows) * as_size(padded(width));
}

// Value of padding among logits; its exp() is zero.
inline constexpr float kImpossibleLogit = -1e30f;

// nn.LayerNorm's default.
inline constexpr float kLayerNormEpsilon = 1e-5f;

// Number format of the weights and rows of a product; sums of products are float32, or int32 where
// they are integers.
//   kBFloat16  pairs of inputs, the second first, in a fused multiply-add each, as AVX512-BF16 does
//   kFloat16   one input after the other in a fused multiply-add each, as kFloat32
//   kInt8      weights scaled by output, rows by their range; the sum of integers is exact
// Each gives the same bits on all machines with fused multiply-add, whatever instructions they
// have.
enum class Precision { kFloat32, kBFloat16, kFloat16, kInt8 };
inline constexpr int kPrecisions = 4;

// Smaller numbers are rounded to zero in bfloat16.
inline constexpr float kSmallestBFloat16 = 0x1p-54f;

// Weights split into panels of Product::panel output columns: [padded(out) / panel, steps, panel],
// where a step takes Product::inputs inputs. Zeros follow the last input.
struct Panels {
  const void* weights;
  const float* bias;  // [padded(out)]
  int in;
  int out;
  const float* scale = nullptr;        // int8: value of 1 by output, [padded(out)]
  const std::int32_t* sums = nullptr;  // int8: sum of the weights by output, [padded(out)]
};

// A product in one number format.
struct Product {
  const char* instructions;  // that multiply
  int panel;                 // columns of a panel, a divisor of kLaneBlock
  int inputs;                // of a step, next to each other in memory
  // y = x W^T + b; x [rows, padded(in)], whose padding may hold anything, y [rows, padded(out)].
  void (*multiply)(const Panels& panels, const float* x, int rows, float* y);
};

// Gain and bias of a LayerNorm, [padded(width)], padded with zeros.
struct NormWeights {
  const float* gain;
  const float* bias;
  int width;
};

struct Kernels {
  const char* name;
  // Whether a row of a product is the same, bit for bit, whatever the other rows are.
  bool independent_rows;

  Product products[kPrecisions];  // by Precision
  // y = norm(x), y = relu(norm(x)), y = relu(y + norm(x)); x and y [rows, padded(width)].
  void (*normalize)(const NormWeights& norm, const float* x, int rows, float* y);
  void (*normalize_relu)(const NormWeights& norm, const float* x, int rows, float* y);
  void (*normalize_add_relu)(const NormWeights& norm, const float* x, int rows, float* y);
  // Turns logits [rows, stride] into probabilities in place; padding is kImpossibleLogit.
  void (*softmax)(float* logits, int rows, int stride);
  // Mean of `centers` [stride] under the softmax of each row of logits [rows, stride].
  void (*expectation)(const float* logits, const float* centers, int rows, int stride, float* mean);

  constexpr const Product& product(Precision precision) const {
    return products[static_cast<int>(precision)];
  }
};

// The kernels this machine can run, each with the fastest products it can run. The first are the
// default. On x86-64 the others follow by speed; those of a matrix unit can only be measured.
const std::vector<const Kernels*>& runnable_kernels();

// Whether the processor has SME, and this build no kernels for it: older compilers do not know it.
bool sme_is_left_out();

}  // namespace muzero::networks
