// The matrix product in any number format, included by a file that defines what kernels_lanes.h
// asks for. A format has
//   Weight, kInputs    what a column of a panel stores for a step of so many inputs
//   Row, kElements     elements of a row, and how many of them a step takes
//   kRounds            whether rows are rounded first, into such elements, by round()
//   Weights, One, Sum  in registers: weights, a row's inputs in every lane, sums
//   load, spread       fill the first two, for a step
//   start, plus        begin a sum, and add a step
//   finish             turns it into the result
#pragma once

#include "networks/kernels_formats.h"

namespace muzero::networks {
namespace {

// The weights of all networks exceed a core's own caches, so every product would wait for its
// weights, and the hardware prefetcher helps too little. Each block of rows therefore prefetches
// weights while it is multiplied.
enum class Ahead {
  kOwn,    // its own panel, kAheadBytes ahead
  kOthers  // part of the next panel; other blocks prefetch the rest
};
constexpr int kAheadBytes = 8192;

// Consecutive rows in a format.
template <typename F>
struct RowsOf {
  const typename F::Row* first;
  std::ptrdiff_t stride;
  const RowScale* scales;  // by row, if the format rounds

  MUZERO_INLINE RowsOf from(int r) const {
    return {first + r * stride, stride, F::kRounds ? scales + r : nullptr};
  }
  MUZERO_INLINE RowScale scale(int r) const { return F::kRounds ? scales[r] : RowScale{}; }
};

// Where a block's results go: the panel's first column, and the first row.
struct Target {
  float* y;
  std::ptrdiff_t stride;
  int column;
};

// Multiplies kRows rows by one panel. Prefetches `width` weights of `others` per step: at most one
// cache line, since at least two blocks share the work.
template <typename F, int kRows, Ahead kWhich>
MUZERO_INLINE void multiply_block(const Panels& panels, const typename F::Weight* weights,
                                  const typename F::Weight* others, int width, const RowsOf<F>& x,
                                  const Target& to) {
  constexpr int kLineWeights = static_cast<int>(kCacheLine / sizeof(typename F::Weight));
  constexpr int kAhead = static_cast<int>(kAheadBytes / sizeof(typename F::Weight));
  const typename F::Row* row = x.first;
  const std::ptrdiff_t x_stride = x.stride;
  const int steps = divided_up(panels.in, F::kInputs);
  typename F::Sum sum[kRows][kPanelVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanelVectors; ++v) sum[r][v] = F::start(panels, to.column + v * kLanes);
  }
  for (int step = 0; step < steps; ++step, weights += kPanel, row += F::kElements) {
    if constexpr (kWhich == Ahead::kOwn) {
      for (int i = 0; i < kPanel; i += kLineWeights) __builtin_prefetch(weights + kAhead + i);
    } else {
      __builtin_prefetch(others, 0, 2);  // not into L1, which still needs this panel
      others += width;
    }
    typename F::Weights w[kPanelVectors];
    for (int v = 0; v < kPanelVectors; ++v) w[v] = F::load(weights + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const typename F::One one = F::spread(row + r * x_stride);
      for (int v = 0; v < kPanelVectors; ++v) sum[r][v] = F::plus(sum[r][v], one, w[v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanelVectors; ++v) {
      store(to.y + r * to.stride + v * kLanes,
            F::finish(sum[r][v], panels, to.column + v * kLanes, x.scale(r)));
    }
  }
}

// The same for `rows` rows, at most kRows.
template <typename F, int kRows, Ahead kWhich>
MUZERO_INLINE void multiply_rows(int rows, const Panels& panels, const typename F::Weight* weights,
                                 const typename F::Weight* others, int width, const RowsOf<F>& x,
                                 const Target& to) {
  if (rows == kRows) {
    multiply_block<F, kRows, kWhich>(panels, weights, others, width, x, to);
  } else if constexpr (kRows > 1) {
    multiply_rows<F, kRows - 1, kWhich>(rows, panels, weights, others, width, x, to);
  }
}

template <typename F>
MUZERO_TARGET void multiply_rounded(const Panels& panels, const RowsOf<F>& x, int rows, float* y) {
  using Weight = typename F::Weight;
  const int columns = padded(panels.out);
  const int steps = divided_up(panels.in, F::kInputs);
  const std::ptrdiff_t panel_size = std::ptrdiff_t{steps} * kPanel;
  const int blocks = divided_up(rows, kBlockRows);
  const int width = divided_up(kPanel, blocks);
  const Weight* weights = static_cast<const Weight*>(panels.weights);
  for (int column = 0; column < columns; column += kPanel, weights += panel_size) {
    const Weight* next_panel = weights + panel_size;
    // Blocks of similar size: with only a few rows, the sums would wait for each other.
    for (int block = 0, r = 0; block < blocks; ++block) {
      const int next = rows * (block + 1) / blocks;
      const RowsOf<F> some = x.from(r);
      const Target to{y + std::ptrdiff_t{r} * columns + column, columns, column};
      // No block has prefetched the first panel.
      if (blocks == 1 || (block == 0 && column == 0)) {
        multiply_rows<F, kBlockRows, Ahead::kOwn>(next - r, panels, weights, nullptr, 0, some, to);
      } else {
        const Weight* others = next_panel + std::ptrdiff_t{block} * steps * width;
        multiply_rows<F, kBlockRows, Ahead::kOthers>(next - r, panels, weights, others, width, some,
                                                     to);
      }
      r = next;
    }
  }
}

template <typename F>
MUZERO_TARGET void multiply(const Panels& panels, const float* x, int rows, float* y) {
  const std::ptrdiff_t stride = padded(panels.in);
  if constexpr (F::kRounds) {
    const auto rounded = allocate_aligned<typename F::Row>(padded_area(rows, panels.in));
    const auto scales = allocate_aligned<RowScale>(as_size(rows));
    for (int r = 0; r < rows; ++r) {
      scales[as_size(r)] = F::round(x + r * stride, panels.in, rounded.get() + r * stride);
    }
    multiply_rounded<F>(panels, {rounded.get(), stride, scales.get()}, rows, y);
  } else {
    multiply_rounded<F>(panels, {x, stride, nullptr}, rows, y);
  }
}

template <typename F>
constexpr Product product_of(const char* instructions) {
  return {instructions, F::kInputs, multiply<F>};
}

}  // namespace
}  // namespace muzero::networks
