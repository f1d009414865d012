#include "search/tree_rows.h"

#include <cstddef>
#include <limits>

namespace muzero::search {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TreeRows tree_rows(const Tree& tree) {
  TreeRows rows;
  std::vector<std::int32_t> index;  // index of the row's decision or chance node

  const auto add_decision = [&](std::int32_t node, std::int32_t parent, std::int32_t outcome,
                                float reward, float probability) {
    index.push_back(node);
    rows.parent.push_back(parent);
    rows.kind.push_back(0);
    rows.action_or_outcome.push_back(outcome);
    rows.prior.push_back(kNone);
    rows.visits.push_back(tree.decision(node).visits);
    rows.value.push_back(tree.decision(node).value);
    rows.reward.push_back(reward);
    rows.depth.push_back(tree.decision(node).depth);
    rows.probability.push_back(probability);
  };
  const auto add_chance = [&](std::int32_t node, std::int32_t action, std::int32_t parent) {
    const Actions actions = tree.actions(node);
    index.push_back(actions.chance[action]);
    rows.parent.push_back(parent);
    rows.kind.push_back(1);
    rows.action_or_outcome.push_back(action);
    rows.prior.push_back(actions.prior[action]);
    rows.visits.push_back(actions.visits[action]);
    rows.value.push_back(actions.value[action]);
    rows.reward.push_back(kNone);
    rows.depth.push_back(tree.decision(node).depth);
    rows.probability.push_back(kNone);
  };

  add_decision(0, -1, -1, kNone, kNone);
  for (std::size_t row = 0; row < index.size(); ++row) {
    const std::int32_t at = index[row];
    const auto parent = static_cast<std::int32_t>(row);
    if (rows.kind[row] == 0) {
      for (int a = 0; a < tree.shape.actions; ++a) {
        if (tree.actions(at).chance[a] >= 0) add_chance(at, a, parent);
      }
    } else {
      for (int c = 0; c < tree.shape.outcomes; ++c) {
        const auto [probability, reward, traversals, child] = tree.outcomes(at);
        if (child[c] >= 0) add_decision(child[c], parent, c, reward[c], probability[c]);
      }
    }
  }
  return rows;
}

}  // namespace muzero::search
