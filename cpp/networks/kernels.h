// The networks' arithmetic, compiled for several instruction sets and chosen at run time.
//
// Rows are float32, padded so that kernels process whole vectors. A row's result never depends on
// the other rows: every sum runs in a fixed order. On machines with fused multiply-add, that order
// gives the same bits for every vector width.
#pragma once

#include <cstddef>
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

// Weights split into panels of `panel` output columns: [padded(out) / panel, in, panel].
struct Panels {
  const float* weights;
  const float* bias;  // [padded(out)]
  int in;
  int out;
};

// Gain and bias of a LayerNorm, [padded(width)], padded with zeros.
struct NormWeights {
  const float* gain;
  const float* bias;
  int width;
};

struct Kernels {
  const char* name;
  int panel;  // columns of a panel, a divisor of kLaneBlock

  // y = x W^T + b; x [rows, padded(in)], y [rows, padded(out)].
  void (*multiply)(const Panels& panels, const float* x, int rows, float* y);
  // y = norm(x), y = relu(norm(x)), y = relu(y + norm(x)); x and y [rows, padded(width)].
  void (*normalize)(const NormWeights& norm, const float* x, int rows, float* y);
  void (*normalize_relu)(const NormWeights& norm, const float* x, int rows, float* y);
  void (*normalize_add_relu)(const NormWeights& norm, const float* x, int rows, float* y);
  // Turns logits [rows, stride] into probabilities in place; padding is kImpossibleLogit.
  void (*softmax)(float* logits, int rows, int stride);
  // Mean of `centers` [stride] under the softmax of each row of logits [rows, stride].
  void (*expectation)(const float* logits, const float* centers, int rows, int stride, float* mean);
};

// The kernels this machine can run, fastest first.
const std::vector<const Kernels*>& runnable_kernels();

}  // namespace muzero::networks
