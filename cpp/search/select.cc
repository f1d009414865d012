#include "search/select.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/integers.h"

namespace muzero::search {
namespace {

// Numbers processed together: as many as every x86-64 and arm64 processor can.
constexpr int kWidth = 2;
constexpr int kParts = kLanes / kWidth;
typedef double Part __attribute__((vector_size(kWidth * sizeof(double))));

// Values of kLanes actions or outcomes.
struct Lanes {
  Part part[kParts];
};

template <typename T>
Lanes load(const T* column) {
  typedef T Values __attribute__((vector_size(kWidth * sizeof(T))));
  Lanes lanes;
  for (int i = 0; i < kParts; ++i, column += kWidth) {
    Values values;
    std::memcpy(&values, column, sizeof values);
    lanes.part[i] = __builtin_convertvector(values, Part);
  }
  return lanes;
}

double highest(const Lanes& lanes) {
  Part top = lanes.part[0];
  for (int i = 1; i < kParts; ++i) top = lanes.part[i] > top ? lanes.part[i] : top;
  return std::max(top[0], top[1]);
}

int first_equal(const Lanes& lanes, double x) {
  unsigned long long equal = 0;
  for (int i = 0; i < kLanes; ++i) {
    const auto mask = lanes.part[i / kWidth] == x;
    equal |= static_cast<unsigned long long>(mask[i % kWidth]) & (1ULL << i);
  }
  return std::countr_zero(equal);
}

// Index of the first largest score. Branch-free, because no processor can predict which of a few
// scores is the largest.
struct Best {
  int index = 0;
  double score = -std::numeric_limits<double>::infinity();

  void consider(int first, const Lanes& scores) {
    const double top = highest(scores);
    if (top > score) {
      index = first + first_equal(scores, top);
      score = top;
    }
  }
};

}  // namespace

std::vector<double> exploration_table(const Params& params) {
  std::vector<double> table;
  table.reserve(as_size(params.num_simulations) + 2);
  for (int visits = 0; visits <= params.num_simulations + 1; ++visits) {
    const double n = visits;
    const double growth = std::log((n + params.pb_c_base + 1.0) / params.pb_c_base);
    table.push_back(std::sqrt(n) * (params.pb_c_init + growth));
  }
  return table;
}

int select_action(const Tree& tree, int node, double exploration) {
  const Actions actions = tree.actions(node);
  const double own = tree.decision(node).value;
  Part lows{own, own};
  Part highs = lows;
  for (int a = 0; a < tree.shape.actions; a += kLanes) {
    for (const Part value : load(actions.value + a).part) {
      lows = value < lows ? value : lows;  // false if value is NaN
      highs = value > highs ? value : highs;
    }
  }
  const double low = std::min(lows[0], lows[1]);
  const double spread = std::max(std::max(highs[0], highs[1]) - low, kMinValueSpread);

  Best best;
  for (int a = 0; a < tree.shape.actions; a += kLanes) {
    const Lanes value = load(actions.value + a);
    const Lanes prior = load(actions.prior + a);
    const Lanes visits = load(actions.visits + a);
    Lanes scores;
    for (int i = 0; i < kParts; ++i) {
      const Part stretched = (value.part[i] - low) / spread;
      const Part q = stretched > 0.0 ? stretched : Part{};  // zero if value is NaN
      scores.part[i] = q + prior.part[i] * exploration / (1.0 + visits.part[i]);
    }
    best.consider(a, scores);
  }
  return best.index;
}

int select_untried(const Tree& tree, int node) {
  const Actions actions = tree.actions(node);
  int best = -1;
  float best_prior = -1.0f;
  for (int a = 0; a < tree.shape.actions; ++a) {
    if (actions.visits[a] == 0 && actions.prior[a] > best_prior) {
      best = a;
      best_prior = actions.prior[a];
    }
  }
  return best;
}

int select_outcome(const Tree& tree, int chance) {
  const Outcomes outcomes = tree.outcomes(chance);
  Best best;
  for (int c = 0; c < tree.shape.outcomes; c += kLanes) {
    const Lanes probability = load(outcomes.probability + c);
    const Lanes traversals = load(outcomes.traversals + c);
    Lanes scores;
    for (int i = 0; i < kParts; ++i) {
      scores.part[i] = probability.part[i] / (traversals.part[i] + 1.0);
    }
    best.consider(c, scores);
  }
  return best.index;
}

}  // namespace muzero::search
