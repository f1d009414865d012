#include "search/select.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace muzero::search {

std::vector<double> exploration_table(const Params& params) {
  std::vector<double> table;
  table.reserve(static_cast<std::size_t>(params.num_simulations) + 2);
  for (int visits = 0; visits <= params.num_simulations + 1; ++visits) {
    const double n = visits;
    const double growth = std::log((n + params.pb_c_base + 1.0) / params.pb_c_base);
    table.push_back(std::sqrt(n) * (params.pb_c_init + growth));
  }
  return table;
}

int select_action(const Tree& tree, const TreeShape& shape, int node, const std::uint8_t* allowed,
                  double exploration, bool try_all) {
  const std::ptrdiff_t first = std::ptrdiff_t{node} * shape.actions;
  const std::int32_t* visits = tree.edge_visits + first;  // of simulations that wait, too
  const std::int32_t* chance = tree.chance + first;
  const double* value = tree.edge_value + first;
  const float* prior = tree.prior + first;

  double low = tree.value[node];
  double high = low;
  for (int a = 0; a < shape.actions; ++a) {
    if (chance[a] < 0) continue;
    low = std::min(low, value[a]);
    high = std::max(high, value[a]);
  }
  const double spread = std::max(high - low, kMinValueSpread);

  bool untried_only = false;
  for (int a = 0; try_all && a < shape.actions; ++a) {
    untried_only = untried_only || (allowed[a] && visits[a] == 0);
  }

  int best = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  for (int a = 0; a < shape.actions; ++a) {
    if (!allowed[a] || (untried_only && visits[a] > 0)) continue;
    const double q = chance[a] < 0 ? 0.0 : (value[a] - low) / spread;
    const double score = q + prior[a] * exploration / (1.0 + visits[a]);
    if (score > best_score) {
      best = a;
      best_score = score;
    }
  }
  return best;
}

int select_outcome(const Tree& tree, const TreeShape& shape, int chance) {
  const std::ptrdiff_t first = std::ptrdiff_t{chance} * shape.outcomes;
  int best = 0;
  double best_score = -1.0;
  for (int c = 0; c < shape.outcomes; ++c) {
    const double probability = tree.outcome_prob[first + c];
    const double score = probability / (tree.traversals[first + c] + 1.0);
    if (score > best_score) {
      best = c;
      best_score = score;
    }
  }
  return best;
}

}  // namespace muzero::search
