#include "search/tree_rows.h"

#include <cstddef>
#include <limits>

namespace muzero::search {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TreeRows tree_rows(const Tree& tree, const TreeShape& shape) {
  TreeRows rows;
  std::vector<std::int32_t> index;  // decision or chance node of a row

  const auto add_decision = [&](std::int32_t node, std::int32_t parent, std::int32_t outcome,
                                float reward, float probability) {
    index.push_back(node);
    rows.parent.push_back(parent);
    rows.kind.push_back(0);
    rows.action_or_outcome.push_back(outcome);
    rows.prior.push_back(kNone);
    rows.visits.push_back(tree.visits[node]);
    rows.value.push_back(tree.value[node]);
    rows.reward.push_back(reward);
    rows.depth.push_back(tree.depth[node]);
    rows.probability.push_back(probability);
  };
  const auto add_chance = [&](std::int32_t node, std::int32_t action, std::int32_t parent) {
    const std::ptrdiff_t edge = std::ptrdiff_t{node} * shape.actions + action;
    index.push_back(tree.chance[edge]);
    rows.parent.push_back(parent);
    rows.kind.push_back(1);
    rows.action_or_outcome.push_back(action);
    rows.prior.push_back(tree.prior[edge]);
    rows.visits.push_back(tree.edge_visits[edge]);
    rows.value.push_back(tree.edge_value[edge]);
    rows.reward.push_back(kNone);
    rows.depth.push_back(tree.depth[node]);
    rows.probability.push_back(kNone);
  };

  add_decision(0, -1, -1, kNone, kNone);
  for (std::size_t row = 0; row < index.size(); ++row) {
    const std::int32_t at = index[row];
    const auto parent = static_cast<std::int32_t>(row);
    if (rows.kind[row] == 0) {
      for (int a = 0; a < shape.actions; ++a) {
        if (tree.chance[std::ptrdiff_t{at} * shape.actions + a] >= 0) add_chance(at, a, parent);
      }
    } else {
      for (int c = 0; c < shape.outcomes; ++c) {
        const std::ptrdiff_t edge = std::ptrdiff_t{at} * shape.outcomes + c;
        if (tree.child[edge] < 0) continue;
        add_decision(tree.child[edge], parent, c, tree.reward[edge], tree.outcome_prob[edge]);
      }
    }
  }
  return rows;
}

}  // namespace muzero::search
