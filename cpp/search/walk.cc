// Walks from the roots to the next leaves.
#include <algorithm>
#include <cstddef>

#include "common/integers.h"
#include "search/gumbel.h"
#include "search/search.h"
#include "search/select.h"

namespace muzero::search {

// Walks until each tree has as many leaves waiting for an evaluation as allowed, or asks for a
// distribution; empties `trees`.
void Search::simulate(std::vector<Tree*>& trees) const {
  std::erase_if(trees, [this](Tree* tree) { return !begin_walk(*tree); });
  descend(trees);
}

// The same, with walks that have begun. They take turns, half a step each: a walk waits for memory
// and for one division after another, and the others fill that time.
void Search::descend(std::vector<Tree*>& trees) const {
  while (!trees.empty()) {
    std::erase_if(trees,
                  [this](Tree* tree) { return tree->walk.chance < 0 && !take_action(*tree); });
    std::erase_if(trees, [this](Tree* tree) { return !take_outcome(*tree); });
  }
}

// Starts a walk at the root unless the step has all its leaves. While those wait they count as
// visited, without a value, so that the walk takes another path.
bool Search::begin_walk(Tree& tree) const {
  const std::int32_t room =
      tree.simulations == 0 ? shape_.leaves : std::min(params_.leaves_per_step, shape_.leaves);
  if (tree.num_leaves == room || tree.simulations + tree.num_leaves == params_.num_simulations) {
    return end_step(tree);
  }
  for (; tree.num_counted < tree.num_leaves; ++tree.num_counted) {
    count_waiting(tree, tree.num_counted, 1);
  }
  tree.walk = {};
  return true;
}

bool Search::end_step(Tree& tree) const {
  while (tree.num_counted > 0) count_waiting(tree, --tree.num_counted, -1);
  return false;
}

// Moves from a decision node to a chance node, if need be of the next walk. False when the step
// ends, or the walk asks.
bool Search::take_action(Tree& tree) const {
  Walk& walk = tree.walk;
  do {
    const std::int64_t edges = std::int64_t{walk.steps} * 2;
    if (edges >= edge_limit_) {
      stop(tree, false);
      continue;
    }
    if (!tree.knows_prior(walk.node)) return ask(tree);
    walk.action = select_at(tree, walk.node);
    const Actions actions = tree.actions(walk.node);
    walk.chance = actions.chance[walk.action];
    if (walk.chance < 0) {
      if (!wait(tree, Leaf::Kind::kAction, -1, actions.visits[walk.action])) return false;
    } else if (edges + 1 >= edge_limit_) {
      stop(tree, true);
    } else {
      tree.prefetch_chance(walk.chance);
      return true;
    }
  } while (begin_walk(tree));
  return false;
}

// Moves from a chance node to a decision node, maybe the root again. False when the step ends, or
// the walk asks.
bool Search::take_outcome(Tree& tree) const {
  Walk& walk = tree.walk;
  if (!tree.knows_probability(walk.chance)) return ask(tree);
  const std::int32_t outcome = select_outcome(tree, walk.chance);
  const Outcomes outcomes = tree.outcomes(walk.chance);
  tree.path_of(tree.num_leaves)[walk.steps++] = {walk.node, walk.action, outcome};
  const std::int32_t child = outcomes.child[outcome];
  if (child < 0) {
    return wait(tree, Leaf::Kind::kOutcome, outcome, outcomes.traversals[outcome]) &&
           begin_walk(tree);
  }
  walk.node = child;
  walk.chance = -1;
  tree.prefetch_decision(child);
  return true;
}

// Makes the walk wait for the distribution of its node.
bool Search::ask(Tree& tree) const {
  tree.walk.asks = true;
  return false;
}

std::int32_t Search::select_at(const Tree& tree, std::int32_t node) const {
  const auto visits = as_size(tree.decision(node).visits);
  if (params_.root == Root::kPuct) {
    const int untried = node == kRootNode && !mctx_ ? select_untried(tree, node) : -1;
    return untried >= 0 ? untried : select_action(tree, node, exploration_[visits]);
  }
  const std::uint8_t* allowed = allowed_at(tree, node);
  if (node != kRootNode) return select_gumbel(tree, node, allowed);
  const auto legal = static_cast<std::size_t>(std::count(allowed, allowed + shape_.actions, 1));
  const std::size_t considered = std::min(considered_visits_.size(), legal);
  return select_gumbel_root(tree, allowed, considered_visits_[considered - 1][visits - 1]);
}

// Makes the node reached wait for an evaluation. If it already does, the step ends.
bool Search::wait(Tree& tree, Leaf::Kind kind, std::int32_t outcome, std::int32_t visits) const {
  if (visits > 0) return end_step(tree);
  const Walk& walk = tree.walk;
  tree.leaf[tree.num_leaves++] = {kind, walk.node, walk.action, outcome, walk.steps, -1};
  return true;
}

// Ends a walk at the depth limit, at its decision node or the chance node below it. Means cover
// finished simulations only, so waiting ones are set aside.
void Search::stop(Tree& tree, bool at_chance) const {
  const Walk& walk = tree.walk;
  const Path path(tree.path_of(tree.num_leaves), as_size(walk.steps));
  end_step(tree);
  if (at_chance) {
    back_up_stopped_at_chance(tree, params_, path, walk.node, walk.action);
  } else {
    back_up_stopped(tree, params_, path, walk.node);
  }
}

}  // namespace muzero::search
