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
#include "networks/scratch.h"

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

// Multiplies kRows rows by the first kVectors vectors of a panel. Prefetches `width` weights of
// `others` per step: at most one cache line, since at least two blocks share the work.
template <typename F, int kVectors, Ahead kWhich, int kRows>
MUZERO_INLINE void multiply_block(const Panels& panels, const typename F::Weight* weights,
                                  const typename F::Weight* others, int width, const RowsOf<F>& x,
                                  const Target& to) {
  constexpr int kLineWeights = static_cast<int>(kCacheLine / sizeof(typename F::Weight));
  constexpr int kAhead = static_cast<int>(kAheadBytes / sizeof(typename F::Weight));
  const typename F::Row* row = x.first;
  const std::ptrdiff_t x_stride = x.stride;
  const int steps = divided_up(panels.in, F::kInputs);
  typename F::Sum sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) sum[r][v] = F::start(panels, to.column + v * kLanes);
  }
  for (int step = 0; step < steps; ++step, weights += kPanel, row += F::kElements) {
    if constexpr (kWhich == Ahead::kOwn) {
      for (int i = 0; i < kPanel; i += kLineWeights) __builtin_prefetch(weights + kAhead + i);
    } else {
      __builtin_prefetch(others, 0, 2);  // not into L1, which still needs this panel
      others += width;
    }
    typename F::Weights w[kVectors];
    for (int v = 0; v < kVectors; ++v) w[v] = F::load(weights + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const typename F::One one = F::spread(row + r * x_stride);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = F::plus(sum[r][v], one, w[v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      store(to.y + r * to.stride + v * kLanes,
            F::finish(sum[r][v], panels, to.column + v * kLanes, x.scale(r)));
    }
  }
}

// The same for `rows` rows, at most kRows.
template <typename F, int kVectors, Ahead kWhich, int kRows = kBlockRows>
MUZERO_INLINE void multiply_rows(int rows, const Panels& panels, const typename F::Weight* weights,
                                 const typename F::Weight* others, int width, const RowsOf<F>& x,
                                 const Target& to) {
  if (rows == kRows) {
    multiply_block<F, kVectors, kWhich, kRows>(panels, weights, others, width, x, to);
  } else if constexpr (kRows > 1) {
    multiply_rows<F, kVectors, kWhich, kRows - 1>(rows, panels, weights, others, width, x, to);
  }
}

// Multiplies all rows by the first kVectors vectors of the panel that starts at `column`.
template <typename F, int kVectors>
MUZERO_INLINE void multiply_panel(const Panels& panels, const typename F::Weight* weights,
                                  int column, const RowsOf<F>& x, int rows, float* y) {
  const int columns = padded(panels.out);
  const int steps = divided_up(panels.in, F::kInputs);
  const int blocks = divided_up(rows, kBlockRows);
  const int width = divided_up(kPanel, blocks);
  const typename F::Weight* next_panel = weights + std::ptrdiff_t{steps} * kPanel;
  // Blocks of similar size: with only a few rows, the sums would wait for each other.
  for (int block = 0, r = 0; block < blocks; ++block) {
    const int next = rows * (block + 1) / blocks;
    const RowsOf<F> some = x.from(r);
    const Target to{y + std::ptrdiff_t{r} * columns + column, columns, column};
    // No block has prefetched the first panel.
    if (blocks == 1 || (block == 0 && column == 0)) {
      multiply_rows<F, kVectors, Ahead::kOwn>(next - r, panels, weights, nullptr, 0, some, to);
    } else {
      const auto* others = next_panel + std::ptrdiff_t{block} * steps * width;
      multiply_rows<F, kVectors, Ahead::kOthers>(next - r, panels, weights, others, width, some,
                                                 to);
    }
    r = next;
  }
}

// Small heads have a few columns of a panel's: those of the other vectors are padding, and so are
// whole panels. Padding is the bias.
template <typename F>
MUZERO_TARGET void multiply_rounded(const Panels& panels, const RowsOf<F>& x, int rows, float* y) {
  const int columns = padded(panels.out);
  const std::ptrdiff_t panel_size = std::ptrdiff_t{divided_up(panels.in, F::kInputs)} * kPanel;
  const auto* weights = static_cast<const typename F::Weight*>(panels.weights);
  for (int column = 0; column < panels.out; column += kPanel, weights += panel_size) {
    if (panels.out - column > kLanes) {
      multiply_panel<F, kPanelVectors>(panels, weights, column, x, rows, y);
    } else {
      multiply_panel<F, 1>(panels, weights, column, x, rows, y);
    }
  }
  const int padding = rounded_up(panels.out, kLanes);
  for (int r = 0; r < rows; ++r, y += columns) {
    for (int i = padding; i < columns; i += kLanes) store(y + i, load(panels.bias + i));
  }
}

template <typename F>
MUZERO_TARGET void multiply(const Panels& panels, const float* x, int rows, float* y) {
  const std::ptrdiff_t stride = padded(panels.in);
  if constexpr (F::kRounds) {
    using Row = typename F::Row;
    const std::size_t bytes = padded_area(rows, panels.in) * sizeof(Row);
    std::byte* memory = scratch(bytes + as_size(rows) * sizeof(RowScale));
    Row* rounded = reinterpret_cast<Row*>(memory);
    auto* scales = reinterpret_cast<RowScale*>(memory + bytes);
    for (int r = 0; r < rows; ++r) {
      scales[r] = F::round(x + r * stride, panels.in, rounded + r * stride);
    }
    multiply_rounded<F>(panels, {rounded, stride, scales}, rows, y);
  } else {
    multiply_rounded<F>(panels, {x, stride, nullptr}, rows, y);
  }
}

template <typename F>
constexpr Product product_of(const char* instructions) {
  return {instructions, kPanel, F::kInputs, multiply<F>};
}

}  // namespace
}  // namespace muzero::networks
