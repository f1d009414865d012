#include "search/search.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "search/noise.h"
#include "search/select.h"
#include "search/validate.h"

namespace muzero::search {
namespace {

std::size_t as_size(int n) { return static_cast<std::size_t>(n); }

std::vector<std::uint8_t> allowed_actions(const std::vector<std::int32_t>& next_position,
                                          bool masked) {
  std::vector<std::uint8_t> allowed(next_position.size());
  std::transform(next_position.begin(), next_position.end(), allowed.begin(),
                 [masked](std::int32_t next) { return !masked || next >= 0 ? 1 : 0; });
  return allowed;
}

const float* row_of(const float* column, int row, int width) {
  return column == nullptr ? nullptr : column + std::ptrdiff_t{row} * width;
}

}  // namespace

void LeafColumns::clear() {
  tree.clear();
  parent.clear();
  action.clear();
  outcome.clear();
  slot.clear();
}

Search::Search(const Params& params, std::vector<std::int32_t> next_position, int positions,
               int actions, int outcomes, int threads)
    : params_((validate_params(params, outcomes, threads), params)),
      positions_(positions),
      shape_(TreeShape::of(params, actions, outcomes)),
      next_position_(std::move(next_position)),
      root_allowed_(allowed_actions(next_position_, params.legal_actions != LegalActions::kOff)),
      tree_allowed_(allowed_actions(next_position_, params.legal_actions == LegalActions::kTree)),
      exploration_(exploration_table(params)),
      noise_scratch_(as_size(actions)),
      pool_(threads) {
  validate_positions(next_position_, positions, actions, params.legal_actions);
}

void Search::reset(int roots, const float* prior, const float* value,
                   const std::int32_t* position, const std::uint64_t* seed, bool noise) {
  validate_reset(roots, prior, value, position);
  trees_.clear();
  const std::size_t block = shape_.block_bytes();
  const std::size_t needed = block * as_size(roots);
  if (needed > arena_bytes_) {
    arena_.reset(new std::byte[needed]);  // never cleared: nodes are written when created
    arena_bytes_ = needed;
  }
  trees_.resize(as_size(roots));
  actions_.clear();
  outcomes_.clear();
  const int num_actions = shape_.actions;
  for (int b = 0; b < roots; ++b) {
    Tree& tree = trees_[as_size(b)];
    tree = Tree::in(arena_.get() + block * as_size(b), shape_);
    tree.clear();
    tree.add_decision(shape_, position[b], 0, value[b]);
    const std::uint8_t* allowed =
        root_allowed_.data() + std::ptrdiff_t{position[b]} * num_actions;
    normalize_prior(row_of(prior, b, num_actions), allowed, num_actions, tree.prior);
    if (noise) {
      add_root_noise(seed[b], params_.root_dirichlet_alpha, params_.root_exploration_fraction,
                     allowed, num_actions, tree.prior, noise_scratch_);
    }
  }
}

bool Search::select() {
  if (trees_.empty()) throw SearchError("select() needs roots: call reset() first");
  require_no_leaves("select()");
  pool_.for_each(roots(), [this](int b) { simulate(trees_[as_size(b)]); });
  collect_leaves(0, roots(), actions_, outcomes_);
  return actions_.size() + outcomes_.size() > 0;
}

// Walks down until the tree needs an evaluation; a walk stopped by the depth limit needs none.
void Search::simulate(Tree& tree) const {
  while (tree.simulations < params_.num_simulations) {
    std::int32_t node = kRootNode;
    tree.path_length = 0;
    const std::uint8_t* allowed = root_allowed_.data();
    while (tree.depth[node] < params_.depth_limit) {
      const std::int32_t action = select_action(
          tree, shape_, node, allowed + std::ptrdiff_t{tree.position[node]} * shape_.actions,
          exploration_[static_cast<std::size_t>(tree.visits[node])]);
      const std::int32_t chance = tree.chance[std::ptrdiff_t{node} * shape_.actions + action];
      if (chance < 0) {
        tree.leaf = {Leaf::Kind::kAction, node, action, -1};
        return;
      }
      const std::int32_t outcome = select_outcome(tree, shape_, chance);
      tree.path[tree.path_length++] = {node, action, outcome};
      const std::int32_t child = tree.child[std::ptrdiff_t{chance} * shape_.outcomes + outcome];
      if (child < 0) {
        tree.leaf = {Leaf::Kind::kOutcome, node, action, outcome};
        return;
      }
      node = child;
      allowed = tree_allowed_.data();
    }
    back_up_stopped(tree, shape_, params_, node);
  }
}

// Of trees first .. last - 1, in order, so that the batch is the same whatever the thread count.
void Search::collect_leaves(int first, int last, LeafColumns& actions,
                            LeafColumns& outcomes) const {
  actions.clear();
  outcomes.clear();
  for (int b = first; b < last; ++b) {
    const Tree& tree = trees_[as_size(b)];
    if (tree.leaf.kind == Leaf::Kind::kNone) continue;
    const bool is_action = tree.leaf.kind == Leaf::Kind::kAction;
    LeafColumns& leaves = is_action ? actions : outcomes;
    leaves.tree.push_back(b);
    leaves.parent.push_back(first_slot(b) + tree.leaf.node);
    leaves.action.push_back(tree.leaf.action);
    if (!is_action) leaves.outcome.push_back(tree.leaf.outcome);
    const int successors = is_action ? successors_per_action() : 1;
    for (int c = 0; c < successors; ++c) {
      leaves.slot.push_back(first_slot(b) + tree.num_decisions + c);
    }
  }
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
  const int successors = successors_per_action();
  validate(actions_, actions, successors);
  validate(outcomes_, outcomes, 1);
  const int num_actions = static_cast<int>(actions_.size());
  const int num_rows = num_actions + static_cast<int>(outcomes_.size());
  const auto expand_any = [&](int row) {
    if (row < num_actions) {
      expand_row(actions_, actions, successors, row);
    } else {
      expand_row(outcomes_, outcomes, 1, row - num_actions);
    }
  };
  pool_.for_each(num_rows, std::cref(expand_any));
  actions_.clear();
  outcomes_.clear();
}

void Search::expand_row(const LeafColumns& leaves, const EvaluationColumns& columns,
                        int successors, int row) {
  const int values = std::max(successors, 1);  // an afterstate has a value, no successor
  const Evaluation evaluation{
      .outcome_probs = row_of(columns.outcome_probs, row, shape_.outcomes),
      .reward = row_of(columns.reward, row, successors),
      .value = row_of(columns.value, row, values),
      .prior = row_of(columns.prior, row, successors * shape_.actions)};
  expand(trees_[as_size(leaves.tree[as_size(row)])], shape_, params_,
         {next_position_.data(), tree_allowed_.data()}, evaluation);
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
  validate_array("prior", prior, as_size(roots) * actions, Range::kNonNegative,
                 [actions](std::size_t i) {
                   return "root " + std::to_string(i / actions) + ", action " +
                          std::to_string(i % actions);
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
  const auto check = [&](const char* name, const float* array, int width, Range range) {
    if (array == nullptr) return;
    const std::size_t row_width = as_size(width);
    validate_array(name, array, leaves.size() * row_width, range, [&](std::size_t i) {
      const std::size_t row = i / row_width;
      return "root " + std::to_string(leaves.tree[row]) + ", action " +
             std::to_string(leaves.action[row]) + " (leaf " + std::to_string(row) + ", entry " +
             std::to_string(i % row_width) + ")";
    });
  };
  check("outcome_probs", columns.outcome_probs, shape_.outcomes, Range::kNonNegative);
  check("reward", columns.reward, successors, Range::kFinite);
  check("value", columns.value, std::max(successors, 1), Range::kFinite);
  check("prior", columns.prior, successors * shape_.actions, Range::kNonNegative);
  if (columns.outcome_probs == nullptr) return;
  for (std::size_t row = 0; row < leaves.size(); ++row) {
    const float* probs = columns.outcome_probs + row * as_size(shape_.outcomes);
    if (std::all_of(probs, probs + shape_.outcomes, [](float p) { return p == 0.0f; })) {
      throw SearchError("outcome_probs of root " + std::to_string(leaves.tree[row]) +
                        ", action " + std::to_string(leaves.action[row]) + " are all zero");
    }
  }
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
    for (int a = 0; a < shape_.actions; ++a) {
      const std::int32_t visits = tree.edge_visits[a];
      out.visits[first + a] = visits;
      out.q[first + a] = visits > 0 ? static_cast<float>(tree.edge_value[a]) : 0.0f;
      out.prior[first + a] = tree.prior[a];
    }
    out.value[b] = static_cast<float>(tree.value[0]);
    out.raw_value[b] = tree.raw_value[0];
    out.max_depth[b] = tree.max_depth;
    out.mean_depth[b] = static_cast<double>(tree.total_depth) / tree.simulations;
    const bool all = params_.expansion == Expansion::kAllOutcomes;
    const std::int32_t successors = tree.num_decisions - 1;
    out.leaves[b] = all ? tree.num_chances : tree.num_chances + successors;
    out.evaluations[b] = all ? successors : tree.num_chances + successors;
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
