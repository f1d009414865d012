// The softmax of a few numbers of which some are left out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace muzero::search {

// logits [n] -> their softmax over those allowed, in their place; 0 elsewhere.
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
