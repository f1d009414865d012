#include "search/search.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "common/integers.h"
#include "search/gumbel.h"
#include "search/noise.h"
#include "search/select.h"
#include "search/validate.h"

namespace muzero::search {
namespace {

std::vector<std::uint8_t> allowed_actions(const std::vector<std::int32_t>& next_position,
                                          bool masked) {
  std::vector<std::uint8_t> allowed(next_position.size());
  std::transform(next_position.begin(), next_position.end(), allowed.begin(),
                 [masked](std::int32_t next) { return !masked || next >= 0 ? 1 : 0; });
  return allowed;
}

// Returns can exceed float32 if rewards are near its limits.
float saturated(double value) {
  constexpr double kLimit = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kLimit, kLimit));
}

}  // namespace

void LeafColumns::clear() {
  tree.clear();
  parent.clear();
  action.clear();
  outcome.clear();
  slot.clear();
  goes_on.clear();
}

void NodeColumns::clear() {
  tree.clear();
  slot.clear();
  action.clear();
}

Search::Search(const Params& params, std::vector<std::int32_t> next_position, int positions,
               int actions, int outcomes, int threads)
    : params_((validate_params(params, outcomes, threads), params)),
      mctx_(params.compatibility == Compatibility::kMctx),
      edge_limit_(std::int64_t{params.depth_limit} * (mctx_ ? 1 : 2)),
      positions_(positions),
      shape_(TreeShape::of(params, actions, outcomes)),
      next_position_(std::move(next_position)),
      root_allowed_(allowed_actions(next_position_, params.legal_actions != LegalActions::kOff)),
      tree_allowed_(allowed_actions(next_position_, params.legal_actions == LegalActions::kTree)),
      exploration_(exploration_table(params)),
      pool_(threads) {
  validate_positions(next_position_, positions, actions, params.legal_actions);
  const int most = std::min(params.max_num_considered_actions, actions);
  for (int considered = 1; params.root == Root::kGumbel && considered <= most; ++considered) {
    considered_visits_.push_back(considered_visits(considered, params.num_simulations));
  }
}

void Search::reset(int roots, const float* prior, const float* value, const std::int32_t* position,
                   const std::uint64_t* seed, bool noise) {
  validate_reset(roots, prior, value, position);
  trees_.clear();
  const std::size_t block = shape_.block_bytes();
  const std::size_t needed = block * as_size(roots);
  if (needed > arena_bytes_) {
    arena_.reset();  // free it before allocating again
    arena_ = allocate_aligned<std::byte>(needed);
    arena_bytes_ = needed;
  }
  trees_.resize(as_size(roots));
  actions_.clear();
  outcomes_.clear();
  const int num_actions = shape_.actions;
  for (int b = 0; b < roots; ++b) {
    Tree& tree = trees_[as_size(b)];
    tree = Tree::in(arena_.get() + block * as_size(b), shape_);
    tree.add_decision(position[b], 0, value[b]);
    const std::uint8_t* allowed = allowed_at(tree, kRootNode);
    normalize_prior(row_of(prior, b, num_actions), allowed, num_actions,
                    tree.actions(kRootNode).prior);
    std::fill_n(tree.gumbel, num_actions, 0.0);
    if (noise && params_.root == Root::kGumbel) {
      draw_gumbel(seed[b], num_actions, tree.gumbel);
    } else if (noise) {
      add_root_noise(seed[b], params_.root_dirichlet_alpha, params_.root_exploration_fraction,
                     allowed, num_actions, tree.actions(kRootNode).prior, tree.scratch);
    }
  }
}

bool Search::select() {
  if (trees_.empty()) throw SearchError("select() needs roots: call reset() first");
  require_no_leaves("select()");
  const int shares = pool_.shares();
  pool_.for_each(shares, [this, shares](int share) {
    std::vector<Tree*> trees;
    for (int b = share; b < roots(); b += shares) trees.push_back(&trees_[as_size(b)]);
    simulate(trees);
  });
  // In tree order, so that the batch does not depend on the number of threads.
  for (Tree& tree : trees_) collect_leaves(tree, actions_, outcomes_);
  return actions_.size() + outcomes_.size() > 0;
}

const std::uint8_t* Search::allowed_at(const Tree& tree, std::int32_t node) const {
  const std::vector<std::uint8_t>& table = node == kRootNode ? root_allowed_ : tree_allowed_;
  return table.data() + std::ptrdiff_t{tree.decision(node).position} * shape_.actions;
}

// Adds the waiting leaves of one tree to the columns of their kind.
void Search::collect_leaves(Tree& tree, LeafColumns& actions, LeafColumns& outcomes) const {
  const auto b = static_cast<std::int32_t>(&tree - trees_.data());
  const bool done = tree.simulations + tree.num_leaves == params_.num_simulations;
  std::int32_t slot = first_slot(b) + tree.num_decisions;
  for (std::int32_t i = 0; i < tree.num_leaves; ++i) {
    Leaf& leaf = tree.leaf[i];
    const bool is_action = leaf.kind == Leaf::Kind::kAction;
    LeafColumns& leaves = is_action ? actions : outcomes;
    leaf.row = static_cast<std::int32_t>(leaves.size());
    leaves.tree.push_back(b);
    leaves.parent.push_back(first_slot(b) + leaf.node);
    leaves.action.push_back(leaf.action);
    if (!is_action) leaves.outcome.push_back(leaf.outcome);
    const int successors = is_action ? successors_per_action() : 1;
    for (int c = 0; c < successors; ++c) leaves.slot.push_back(slot++);
    const std::int64_t edges_below = (std::int64_t{tree.decision(leaf.node).depth} + 1) * 2;
    leaves.goes_on.push_back(!done && edges_below < edge_limit_);
  }
}

// Adds the node at which a walk asks to the columns of its kind.
void Search::collect_node(const Tree& tree, NodeColumns& decisions, NodeColumns& chances) const {
  const auto b = static_cast<std::int32_t>(&tree - trees_.data());
  const bool at_chance = tree.walk.chance >= 0;
  NodeColumns& nodes = at_chance ? chances : decisions;
  nodes.tree.push_back(b);
  nodes.slot.push_back(first_slot(b) + tree.walk.node);
  if (at_chance) nodes.action.push_back(tree.walk.action);
}

int Search::successors_per_action() const {
  return params_.expansion == Expansion::kAllOutcomes ? shape_.outcomes : 0;
}

void Search::require_no_leaves(const char* call) const {
  if (actions_.size() + outcomes_.size() > 0) {
    throw SearchError(std::string(call) + " was called before backup() of the last leaves");
  }
}

void Search::require_leaves() const {
  if (actions_.size() + outcomes_.size() == 0) {
    throw SearchError("backup() has no leaves to take in: call select() first");
  }
}

void Search::backup(const EvaluationColumns& actions, const EvaluationColumns& outcomes) {
  require_leaves();
  validate(actions_, actions, successors_per_action());
  validate(outcomes_, outcomes, 1);
  pool_.for_each(roots(), [&](int b) { expand_leaves(trees_[as_size(b)], actions, outcomes); });
  actions_.clear();
  outcomes_.clear();
}

// In the order of the walks, in which their slots were assigned.
void Search::expand_leaves(Tree& tree, const EvaluationColumns& actions,
                           const EvaluationColumns& outcomes) const {
  for (std::int32_t i = 0; i < tree.num_leaves; ++i) {
    if (tree.leaf[i].kind == Leaf::Kind::kAction) {
      expand_leaf(tree, i, actions, successors_per_action());
    } else {
      expand_leaf(tree, i, outcomes, 1);
    }
  }
  tree.num_leaves = 0;
}

void Search::expand_leaf(Tree& tree, std::int32_t i, const EvaluationColumns& columns,
                         int successors) const {
  const std::int32_t row = tree.leaf[i].row;
  const int values = std::max(successors, 1);  // an afterstate has a value but no successor
  const Evaluation evaluation{.outcome_probs = row_of(columns.outcome_probs, row, shape_.outcomes),
                              .reward = row_of(columns.reward, row, successors),
                              .value = row_of(columns.value, row, values),
                              .prior = row_of(columns.prior, row, successors * shape_.actions)};
  expand(tree, params_, positions_below(), i, evaluation);
}

void Search::validate_reset(int roots, const float* prior, const float* value,
                            const std::int32_t* position) const {
  if (roots < 1) throw SearchError("reset() needs at least one root");
  const std::int64_t slots = std::int64_t{roots} * shape_.decisions;
  if (slots > std::numeric_limits<std::int32_t>::max()) {
    throw SearchError("the trees of " + std::to_string(roots) + " roots need " +
                      std::to_string(slots) + " slots, more than fit: use fewer roots or a " +
                      "smaller num_simulations");
  }
  const auto actions = as_size(shape_.actions);
  validate_array(
      "prior", prior, as_size(roots) * actions, Range::kNonNegative, [actions](std::size_t i) {
        return "root " + std::to_string(i / actions) + ", action " + std::to_string(i % actions);
      });
  validate_array("value", value, as_size(roots), Range::kFinite,
                 [](std::size_t i) { return "root " + std::to_string(i); });
  for (int b = 0; b < roots; ++b) {
    if (position[b] < 0 || position[b] >= positions_) {
      throw SearchError("position of root " + std::to_string(b) + " is " +
                        std::to_string(position[b]) + "; it must be in 0 .. " +
                        std::to_string(positions_ - 1));
    }
  }
}

void Search::validate(const LeafColumns& leaves, const EvaluationColumns& columns,
                      int successors) const {
  const auto name_of = [&](std::size_t row) {
    return "root " + std::to_string(leaves.tree[row]) + ", action " +
           std::to_string(leaves.action[row]);
  };
  const auto check = [&](const char* name, const float* array, int width, Range range) {
    validate_rows(name, array, leaves.size(), width, range, name_of);
  };
  check("outcome_probs", columns.outcome_probs, shape_.outcomes, Range::kNonNegative);
  check("reward", columns.reward, successors, Range::kFinite);
  check("value", columns.value, std::max(successors, 1), Range::kFinite);
  check("prior", columns.prior, successors * shape_.actions, Range::kNonNegative);
  require_weight("outcome_probs", columns.outcome_probs, leaves.size(), shape_.outcomes, name_of);
}

void Search::validate(const NodeColumns& decisions, const NodeColumns& chances,
                      const Distributions& found) const {
  const auto name_of = [&](const NodeColumns& nodes) {
    return [&](std::size_t row) {
      const std::int32_t b = nodes.tree[row];
      return "root " + std::to_string(b) + ", state " +
             std::to_string(nodes.slot[row] - first_slot(b)) +
             (nodes.action.empty() ? "" : ", action " + std::to_string(nodes.action[row]));
    };
  };
  validate_rows("prior", found.prior, decisions.size(), shape_.actions, Range::kNonNegative,
                name_of(decisions));
  validate_rows("outcome_probs", found.outcome_probs, chances.size(), shape_.outcomes,
                Range::kNonNegative, name_of(chances));
  require_weight("outcome_probs", found.outcome_probs, chances.size(), shape_.outcomes,
                 name_of(chances));
}

void Search::result(const ResultColumns& out) const {
  for (int b = 0; b < roots(); ++b) {
    const Tree& tree = trees_[as_size(b)];
    if (tree.simulations < params_.num_simulations) {
      throw SearchError("result() before the end: root " + std::to_string(b) + " has done " +
                        std::to_string(tree.simulations) + " of " +
                        std::to_string(params_.num_simulations) + " simulations");
    }
    const std::ptrdiff_t first = std::ptrdiff_t{b} * shape_.actions;
    const Actions root = tree.actions(kRootNode);
    for (int a = 0; a < shape_.actions; ++a) {
      out.visits[first + a] = root.visits[a];
      out.q[first + a] = root.visits[a] > 0 ? saturated(root.value[a]) : 0.0f;
      out.prior[first + a] = std::max(root.prior[a], 0.0f);
    }
    const std::uint8_t* allowed = allowed_at(tree, kRootNode);
    if (params_.root == Root::kGumbel) {
      out.action[b] = gumbel_winner(tree, allowed);
      improved_policy(tree, kRootNode, allowed);
    } else {
      out.action[b] = static_cast<std::int32_t>(
          std::max_element(root.visits, root.visits + shape_.actions) - root.visits);
      std::transform(root.visits, root.visits + shape_.actions, tree.scratch,
                     [&](std::int32_t n) { return static_cast<double>(n) / tree.simulations; });
    }
    std::transform(tree.scratch, tree.scratch + shape_.actions, out.policy + first,
                   [](double share) { return static_cast<float>(share); });
    out.value[b] = saturated(tree.decision(kRootNode).value);
    out.raw_value[b] = tree.decision(kRootNode).raw_value;
    out.max_depth[b] = tree.max_depth;
    out.mean_depth[b] = static_cast<double>(tree.total_depth) / tree.simulations;
    const bool all = params_.expansion == Expansion::kAllOutcomes;
    const std::int32_t successors = tree.num_decisions - 1;
    out.leaves[b] = all ? tree.num_chances : tree.num_chances + successors;
    out.evaluations[b] = all ? successors : tree.num_chances + successors;
    const Known policies = tree.known_priors(), chances = tree.known_probabilities();
    out.policies[b] = policies.nodes;
    out.policies_used[b] = policies.used;
    out.chances[b] = chances.nodes;
    out.chances_used[b] = chances.used;
  }
}

const Tree& Search::tree(int root) const {
  if (root < 0 || root >= roots()) {
    throw SearchError("root " + std::to_string(root) + " does not exist; the search has " +
                      std::to_string(roots()));
  }
  return trees_[as_size(root)];
}

}  // namespace muzero::search
