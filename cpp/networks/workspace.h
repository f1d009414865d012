// Buffers for the rows in progress in one thread.
#pragma once

#include <cstddef>

#include "networks/floats.h"
#include "networks/kernels.h"

namespace muzero::networks {

struct Workspace {
  Workspace(int most_rows, int width, int most_logits)
      : rows(most_rows),
        x(zeros(padded_area(most_rows, width))),
        inner(zeros(padded_area(most_rows, width))),
        outer(zeros(padded_area(most_rows, width))),
        logits(zeros(padded_area(most_rows, most_logits))) {}

  int rows;
  Floats x;       // [rows, padded(width)] the residual stream
  Floats inner;   // [rows, padded(width)] inside a residual block
  Floats outer;   // [rows, padded(width)] output of a block, before adding
  Floats logits;  // [rows, padded(most logits)]
};

}  // namespace muzero::networks
