#include "search/backup.h"

#include <algorithm>
#include <cstddef>
#include <ranges>

namespace muzero::search {
namespace {

// Running means: a node counts its own evaluation, an edge counts simulations.
void add_to_node(Tree& tree, std::int32_t node, double result) {
  const double n = tree.visits[node]++;
  tree.value[node] = (tree.value[node] * n + result) / (n + 1.0);
}

void add_to_edge(Tree& tree, std::ptrdiff_t edge, double result) {
  const double n = tree.edge_visits[edge]++;
  tree.edge_value[edge] = n == 0.0 ? result : (tree.edge_value[edge] * n + result) / (n + 1.0);
}

// Sums over c of P(c) * (r_c + discount * V_c).
struct Expectation {
  double of_values;  // V_c are the successors' values
  double of_result;  // the same, but for one outcome whose V_c is a simulation's return
};

Expectation expected_return(const Tree& tree, const TreeShape& shape, double discount,
                            std::int32_t chance, int outcome, double result) {
  const std::ptrdiff_t first = std::ptrdiff_t{chance} * shape.outcomes;
  const float* prob = tree.outcome_prob + first;
  const float* reward = tree.reward + first;
  const std::int32_t* child = tree.child + first;
  Expectation sum{};
  for (int c = 0; c < shape.outcomes; ++c) {
    const double value = tree.value[child[c]];
    sum.of_values += prob[c] * (reward[c] + discount * value);
    sum.of_result += prob[c] * (reward[c] + discount * (c == outcome ? result : value));
  }
  return sum;
}

constexpr int kNoOutcome = -1;

// Carries `result`, the return from below the path's last outcome on, up to the root.
void back_up_path(Tree& tree, const TreeShape& shape, const Params& params, Path path,
                  double result) {
  for (const Step& step : std::views::reverse(path)) {
    const std::ptrdiff_t edge = std::ptrdiff_t{step.node} * shape.actions + step.action;
    const std::int32_t chance = tree.chance[edge];
    const std::ptrdiff_t outcome = std::ptrdiff_t{chance} * shape.outcomes + step.outcome;
    ++tree.traversals[outcome];
    if (params.expansion == Expansion::kAllOutcomes) {
      const Expectation sum =
          expected_return(tree, shape, params.discount, chance, step.outcome, result);
      ++tree.edge_visits[edge];
      tree.edge_value[edge] = sum.of_values;
      result = sum.of_result;
    } else {
      result = tree.reward[outcome] + params.discount * result;
      add_to_edge(tree, edge, result);
    }
    add_to_node(tree, step.node, result);
  }
}

Path path_of(const Tree& tree, const TreeShape& shape, std::int32_t i) {
  return {tree.path_of(shape, i), static_cast<std::size_t>(tree.leaf[i].steps)};
}

void finish_simulation(Tree& tree, std::int32_t depth) {
  ++tree.simulations;
  tree.max_depth = std::max(tree.max_depth, depth);
  tree.total_depth += depth;
}

// The decision node after `outcome` of a leaf's action; prior is [A].
std::int32_t add_successor(Tree& tree, const TreeShape& shape, const PositionTable& positions,
                           const Leaf& leaf, std::int32_t chance, int outcome, float value,
                           const float* prior) {
  const std::int32_t here = tree.position[leaf.node];
  const std::int32_t next = positions.next[std::ptrdiff_t{here} * shape.actions + leaf.action];
  const std::int32_t position = next < 0 ? here : next;
  const std::int32_t node = tree.add_decision(position, tree.depth[leaf.node] + 1, value);
  tree.child[std::ptrdiff_t{chance} * shape.outcomes + outcome] = node;
  normalize_prior(prior, positions.tree_allowed + std::ptrdiff_t{position} * shape.actions,
                  shape.actions, tree.prior + std::ptrdiff_t{node} * shape.actions);
  return node;
}

void set_outcome_probs(Tree& tree, const TreeShape& shape, std::int32_t chance,
                       const float* weights) {
  double total = 0.0;
  for (int c = 0; c < shape.outcomes; ++c) total += weights[c];
  float* probs = tree.outcome_prob + std::ptrdiff_t{chance} * shape.outcomes;
  for (int c = 0; c < shape.outcomes; ++c) probs[c] = static_cast<float>(weights[c] / total);
}

void expand_all_outcomes(Tree& tree, const TreeShape& shape, const Params& params,
                         const PositionTable& positions, const Leaf& leaf, Path path,
                         const Evaluation& evaluation) {
  const std::int32_t chance = tree.add_chance(shape, leaf.node, leaf.action);
  set_outcome_probs(tree, shape, chance, evaluation.outcome_probs);
  std::copy_n(evaluation.reward, shape.outcomes,
              tree.reward + std::ptrdiff_t{chance} * shape.outcomes);
  for (int c = 0; c < shape.outcomes; ++c) {
    add_successor(tree, shape, positions, leaf, chance, c, evaluation.value[c],
                  evaluation.prior + std::ptrdiff_t{c} * shape.actions);
  }
  const double result =
      expected_return(tree, shape, params.discount, chance, kNoOutcome, 0.0).of_values;
  add_to_edge(tree, std::ptrdiff_t{leaf.node} * shape.actions + leaf.action, result);
  add_to_node(tree, leaf.node, result);
  back_up_path(tree, shape, params, path, result);
  finish_simulation(tree, tree.depth[leaf.node] + 1);
}

// Stochastic MuZero's afterstate: no reward and no discount between decision and chance node.
void expand_afterstate(Tree& tree, const TreeShape& shape, const Params& params, const Leaf& leaf,
                       Path path, const Evaluation& evaluation) {
  const std::int32_t chance = tree.add_chance(shape, leaf.node, leaf.action);
  set_outcome_probs(tree, shape, chance, evaluation.outcome_probs);
  const double result = evaluation.value[0];
  add_to_edge(tree, std::ptrdiff_t{leaf.node} * shape.actions + leaf.action, result);
  add_to_node(tree, leaf.node, result);
  back_up_path(tree, shape, params, path, result);
  finish_simulation(tree, tree.depth[leaf.node]);
}

void expand_outcome(Tree& tree, const TreeShape& shape, const Params& params,
                    const PositionTable& positions, const Leaf& leaf, Path path,
                    const Evaluation& evaluation) {
  const std::int32_t chance = tree.chance[std::ptrdiff_t{leaf.node} * shape.actions + leaf.action];
  tree.reward[std::ptrdiff_t{chance} * shape.outcomes + leaf.outcome] = evaluation.reward[0];
  const std::int32_t node = add_successor(tree, shape, positions, leaf, chance, leaf.outcome,
                                          evaluation.value[0], evaluation.prior);
  back_up_path(tree, shape, params, path, tree.value[node]);
  finish_simulation(tree, tree.depth[node]);
}

}  // namespace

void normalize_prior(const float* weights, const std::uint8_t* allowed, int actions,
                     float* prior) {
  double total = 0.0;
  int count = 0;
  for (int a = 0; a < actions; ++a) {
    prior[a] = allowed[a] ? weights[a] : 0.0f;
    total += prior[a];
    count += allowed[a];
  }
  if (total > 0.0) {
    for (int a = 0; a < actions; ++a) prior[a] = static_cast<float>(prior[a] / total);
  } else {
    const auto uniform = static_cast<float>(1.0 / count);
    for (int a = 0; a < actions; ++a) prior[a] = allowed[a] ? uniform : 0.0f;
  }
}

void expand(Tree& tree, const TreeShape& shape, const Params& params,
            const PositionTable& positions, std::int32_t i, const Evaluation& evaluation) {
  const Leaf& leaf = tree.leaf[i];
  const Path path = path_of(tree, shape, i);
  if (params.expansion == Expansion::kAllOutcomes) {
    expand_all_outcomes(tree, shape, params, positions, leaf, path, evaluation);
  } else if (leaf.kind == Leaf::Kind::kAction) {
    expand_afterstate(tree, shape, params, leaf, path, evaluation);
  } else {
    expand_outcome(tree, shape, params, positions, leaf, path, evaluation);
  }
}

void back_up_stopped(Tree& tree, const TreeShape& shape, const Params& params, Path path,
                     std::int32_t node) {
  // Simulations only ever end here, so the mean is the network's value already.
  ++tree.visits[node];
  back_up_path(tree, shape, params, path, tree.value[node]);
  finish_simulation(tree, tree.depth[node]);
}

void back_up_stopped_at_chance(Tree& tree, const TreeShape& shape, const Params& params, Path path,
                               std::int32_t node, std::int32_t action) {
  const std::ptrdiff_t edge = std::ptrdiff_t{node} * shape.actions + action;
  const double result = tree.edge_value[edge];
  ++tree.edge_visits[edge];
  add_to_node(tree, node, result);
  back_up_path(tree, shape, params, path, result);
  finish_simulation(tree, tree.depth[node]);
}

void count_waiting(Tree& tree, const TreeShape& shape, std::int32_t i, std::int32_t by) {
  const Leaf& leaf = tree.leaf[i];
  for (const Step& step : path_of(tree, shape, i)) {
    const std::ptrdiff_t edge = std::ptrdiff_t{step.node} * shape.actions + step.action;
    tree.visits[step.node] += by;
    tree.edge_visits[edge] += by;
    tree.traversals[std::ptrdiff_t{tree.chance[edge]} * shape.outcomes + step.outcome] += by;
  }
  if (leaf.kind == Leaf::Kind::kOutcome) return;  // its edge is the last step
  tree.visits[leaf.node] += by;
  tree.edge_visits[std::ptrdiff_t{leaf.node} * shape.actions + leaf.action] += by;
}

}  // namespace muzero::search
