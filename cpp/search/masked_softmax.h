// Softmax over a few numbers, some of them masked.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace muzero::search {

// Replaces logits [n] by their softmax over the allowed ones; 0 elsewhere.
inline void masked_softmax(const std::uint8_t* allowed, int n, double* logits) {
  double largest = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < n; ++i) {
    if (allowed[i]) largest = std::max(largest, logits[i]);
  }
  double total = 0.0;
  for (int i = 0; i < n; ++i) {
    logits[i] = allowed[i] ? std::exp(logits[i] - largest) : 0.0;
    total += logits[i];
  }
  for (int i = 0; i < n; ++i) logits[i] /= total;
}

}  // namespace muzero::search
