// Buffers for the rows under way in one thread.
#pragma once

#include <cstddef>

#include "networks/floats.h"
#include "networks/kernels.h"

namespace muzero::networks {

struct Workspace {
  Workspace(int most_rows, int width, int most_logits)
      : rows(most_rows),
        x(zeros(size(most_rows, width))),
        inner(zeros(size(most_rows, width))),
        outer(zeros(size(most_rows, width))),
        logits(zeros(size(most_rows, most_logits))) {}

  int rows;
  Floats x;       // [rows, padded(width)] the residual stream
  Floats inner;   // [rows, padded(width)] inside a residual block
  Floats outer;   // [rows, padded(width)] what a block adds
  Floats logits;  // [rows, padded(most logits)]

 private:
  static std::size_t size(int rows, int width) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(padded(width));
  }
};

}  // namespace muzero::networks
