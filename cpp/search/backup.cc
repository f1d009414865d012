#include "search/backup.h"

#include <algorithm>
#include <cstddef>
#include <ranges>

#include "common/integers.h"

namespace muzero::search {
namespace {

// Running means: a node includes its own evaluation, an action only simulations.
void add_to_node(Decision& node, double result) {
  const double n = node.visits++;
  node.value = (node.value * n + result) / (n + 1.0);
}

void add_to_action(const Actions& actions, int a, double result) {
  const double n = actions.visits[a]++;
  actions.value[a] = n == 0.0 ? result : (actions.value[a] * n + result) / (n + 1.0);
}

// Sums of P(c) * (r_c + discount * V_c) over c.
struct Expectation {
  double of_values;  // V_c are the successors' values
  double of_result;  // with a simulation's return as V_c of one outcome
};

Expectation expected_return(const Tree& tree, double discount, std::int32_t chance, int outcome,
                            double result) {
  const auto [probability, reward, traversals, child] = tree.outcomes(chance);
  Expectation sum{};
  for (int c = 0; c < tree.shape.outcomes; ++c) {
    const double value = tree.decision(child[c]).value;
    sum.of_values += probability[c] * (reward[c] + discount * value);
    sum.of_result += probability[c] * (reward[c] + discount * (c == outcome ? result : value));
  }
  return sum;
}

constexpr int kNoOutcome = -1;

// Propagates `result`, the return from below the path's last outcome, to the root.
void back_up_path(Tree& tree, const Params& params, Path path, double result) {
  for (const Step& step : std::views::reverse(path)) {
    const Actions actions = tree.actions(step.node);
    const std::int32_t chance = actions.chance[step.action];
    const Outcomes outcomes = tree.outcomes(chance);
    ++outcomes.traversals[step.outcome];
    if (params.expansion == Expansion::kAllOutcomes) {
      const Expectation sum = expected_return(tree, params.discount, chance, step.outcome, result);
      ++actions.visits[step.action];
      actions.value[step.action] = sum.of_values;
      result = sum.of_result;
    } else {
      result = outcomes.reward[step.outcome] + params.discount * result;
      add_to_action(actions, step.action, result);
    }
    add_to_node(tree.decision(step.node), result);
  }
}

Path path_of(const Tree& tree, std::int32_t i) {
  return {tree.path_of(i), as_size(tree.leaf[i].steps)};
}

void finish_simulation(Tree& tree, std::int32_t depth) {
  ++tree.simulations;
  tree.max_depth = std::max(tree.max_depth, depth);
  tree.total_depth += depth;
}

// Adds the decision node after `outcome` of a leaf's action; prior is [A] or null.
std::int32_t add_successor(Tree& tree, const PositionTable& positions, const Leaf& leaf,
                           std::int32_t chance, int outcome, float value, const float* prior) {
  const Decision& above = tree.decision(leaf.node);
  const std::int32_t next =
      positions.next[std::ptrdiff_t{above.position} * tree.shape.actions + leaf.action];
  const std::int32_t position = next < 0 ? above.position : next;
  const std::int32_t node = tree.add_decision(position, above.depth + 1, value);
  tree.outcomes(chance).child[outcome] = node;
  if (prior != nullptr) set_prior(tree, positions, node, prior);
  return node;
}

// Value of a leaf's action, to be backed up from it.
void back_up_action(Tree& tree, const Params& params, const Leaf& leaf, Path path, double result) {
  add_to_action(tree.actions(leaf.node), leaf.action, result);
  add_to_node(tree.decision(leaf.node), result);
  back_up_path(tree, params, path, result);
}

void expand_all_outcomes(Tree& tree, const Params& params, const PositionTable& positions,
                         const Leaf& leaf, Path path, const Evaluation& evaluation) {
  const std::int32_t chance = tree.add_chance(leaf.node, leaf.action);
  set_outcome_probs(tree, chance, evaluation.outcome_probs);
  std::copy_n(evaluation.reward, tree.shape.outcomes, tree.outcomes(chance).reward);
  for (int c = 0; c < tree.shape.outcomes; ++c) {
    add_successor(tree, positions, leaf, chance, c, evaluation.value[c],
                  row_of(evaluation.prior, c, tree.shape.actions));
  }
  const double result = expected_return(tree, params.discount, chance, kNoOutcome, 0.0).of_values;
  back_up_action(tree, params, leaf, path, result);
  finish_simulation(tree, tree.decision(leaf.node).depth + 1);
}

// Stochastic MuZero's afterstate: no reward and no discount between decision and chance node.
void expand_afterstate(Tree& tree, const Params& params, const Leaf& leaf, Path path,
                       const Evaluation& evaluation) {
  const std::int32_t chance = tree.add_chance(leaf.node, leaf.action);
  if (evaluation.outcome_probs != nullptr) {
    set_outcome_probs(tree, chance, evaluation.outcome_probs);
  }
  back_up_action(tree, params, leaf, path, evaluation.value[0]);
  finish_simulation(tree, tree.decision(leaf.node).depth);
}

void expand_outcome(Tree& tree, const Params& params, const PositionTable& positions,
                    const Leaf& leaf, Path path, const Evaluation& evaluation) {
  const std::int32_t chance = tree.actions(leaf.node).chance[leaf.action];
  tree.outcomes(chance).reward[leaf.outcome] = evaluation.reward[0];
  const std::int32_t node = add_successor(tree, positions, leaf, chance, leaf.outcome,
                                          evaluation.value[0], evaluation.prior);
  back_up_path(tree, params, path, tree.decision(node).value);
  finish_simulation(tree, tree.decision(node).depth);
}

}  // namespace

void normalize_prior(const float* weights, const std::uint8_t* allowed, int actions, float* prior) {
  double total = 0.0;
  int count = 0;
  for (int a = 0; a < actions; ++a) {
    total += allowed[a] ? weights[a] : 0.0f;
    count += allowed[a];
  }
  const bool uniform = !(total > 0.0);
  const double divisor = uniform ? count : total;
  for (int a = 0; a < actions; ++a) {
    const auto share = static_cast<float>((uniform ? 1.0f : weights[a]) / divisor);
    prior[a] = allowed[a] ? share : kNotAllowed;
  }
}

void set_outcome_probs(Tree& tree, std::int32_t chance, const float* weights) {
  double total = 0.0;
  for (int c = 0; c < tree.shape.outcomes; ++c) total += weights[c];
  float* probability = tree.outcomes(chance).probability;
  for (int c = 0; c < tree.shape.outcomes; ++c) {
    probability[c] = static_cast<float>(weights[c] / total);
  }
}

void set_prior(Tree& tree, const PositionTable& positions, std::int32_t node,
               const float* weights) {
  const std::ptrdiff_t row = tree.decision(node).position;
  normalize_prior(weights, positions.tree_allowed + row * tree.shape.actions, tree.shape.actions,
                  tree.actions(node).prior);
}

void expand(Tree& tree, const Params& params, const PositionTable& positions, std::int32_t i,
            const Evaluation& evaluation) {
  const Leaf& leaf = tree.leaf[i];
  const Path path = path_of(tree, i);
  if (params.expansion == Expansion::kAllOutcomes) {
    expand_all_outcomes(tree, params, positions, leaf, path, evaluation);
  } else if (leaf.kind == Leaf::Kind::kAction) {
    expand_afterstate(tree, params, leaf, path, evaluation);
  } else {
    expand_outcome(tree, params, positions, leaf, path, evaluation);
  }
}

void back_up_stopped(Tree& tree, const Params& params, Path path, std::int32_t node) {
  Decision& here = tree.decision(node);
  // Simulations only end here, so the mean is already the network's value.
  ++here.visits;
  back_up_path(tree, params, path, here.value);
  finish_simulation(tree, here.depth);
}

void back_up_stopped_at_chance(Tree& tree, const Params& params, Path path, std::int32_t node,
                               std::int32_t action) {
  const Actions actions = tree.actions(node);
  const double result = actions.value[action];
  ++actions.visits[action];
  add_to_node(tree.decision(node), result);
  back_up_path(tree, params, path, result);
  finish_simulation(tree, tree.decision(node).depth);
}

void count_waiting(Tree& tree, std::int32_t i, std::int32_t by) {
  const Leaf& leaf = tree.leaf[i];
  for (const Step& step : path_of(tree, i)) {
    const Actions actions = tree.actions(step.node);
    tree.decision(step.node).visits += by;
    actions.visits[step.action] += by;
    tree.outcomes(actions.chance[step.action]).traversals[step.outcome] += by;
  }
  if (leaf.kind == Leaf::Kind::kOutcome) return;  // its edge is the path's last step
  tree.decision(leaf.node).visits += by;
  tree.actions(leaf.node).visits[leaf.action] += by;
}

}  // namespace muzero::search
