// The whole search in one call: groups of trees, each from its first simulation to its last.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <vector>

#include "search/leaf_evaluator.h"
#include "search/search.h"

namespace muzero::search {
namespace {

// Most trees whose leaves are evaluated together. All weights pass through the caches for each step
// of a group, so that few rows wait for memory; of many rows the caches lose the rows instead. With
// the fx_micro networks, groups of 8, 16 and 32 search 32 x 50 single_outcome in 71, 61 and 66 ms;
// all_outcomes, with three rows for a tree, hardly differs.
constexpr int kMostGroupTrees = 16;
// Trees of a group where a root's result would otherwise depend on the number of threads.
constexpr int kFixedGroupTrees = 8;

int group_count(const LeafEvaluator& evaluator, int roots, int threads) {
  const auto enough = [roots](int trees) { return (roots + trees - 1) / trees; };
  if (!evaluator.rows_are_independent()) return enough(kFixedGroupTrees);
  const int rounds = enough(threads * kMostGroupTrees);
  return std::min(rounds * threads, roots);
}

}  // namespace

void Search::run(LeafEvaluator& evaluator) {
  if (trees_.empty()) throw SearchError("run() needs roots: call reset() first");
  require_no_leaves("run()");
  const int groups = group_count(evaluator, roots(), pool_.shares());
  evaluator.begin(*this, pool_.shares(), (roots() + groups - 1) / groups * shape_.leaves);
  std::atomic<int> next_group = 0;
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(groups));
  pool_.for_each(pool_.shares(), [&](int worker) {
    for (int group = next_group++; group < groups; group = next_group++) {
      try {
        run_group(evaluator, worker, first_of(group, groups), first_of(group + 1, groups));
      } catch (...) {
        errors[static_cast<std::size_t>(group)] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

// First tree of a group; groups are equal but for one tree.
int Search::first_of(int group, int groups) const {
  return static_cast<int>(std::int64_t{roots()} * group / groups);
}

void Search::run_group(LeafEvaluator& evaluator, int worker, int first, int last) {
  std::vector<Tree*> turn;
  LeafColumns actions;
  LeafColumns outcomes;
  for (;;) {
    simulate(first, last, turn);
    take_turn(first, last, turn);
    if (turn.empty()) return;
    actions.clear();
    outcomes.clear();
    for (Tree* tree : turn) collect_leaves(*tree, actions, outcomes);
    const Evaluations evaluations = evaluator.evaluate(worker, actions, outcomes);
    validate(actions, evaluations.actions, successors_per_action());
    validate(outcomes, evaluations.outcomes, 1);
    for (Tree* tree : turn) expand_leaves(*tree, evaluations.actions, evaluations.outcomes);
  }
}

// The trees of a group to evaluate next. Chance and decision nodes have networks of their own;
// where each tree waits at one node, those at the commoner kind go first: the others will be more
// when their turn comes.
void Search::take_turn(int first, int last, std::vector<Tree*>& turn) {
  const auto take = [&](auto&& wanted) {
    turn.clear();
    for (int b = first; b < last; ++b) {
      Tree& tree = trees_[static_cast<std::size_t>(b)];
      if (tree.num_leaves > 0 && wanted(tree)) turn.push_back(&tree);
    }
  };
  take([](const Tree&) { return true; });
  if (shape_.leaves > 1) return;
  const auto actions = std::count_if(turn.begin(), turn.end(), [](const Tree* tree) {
    return tree->leaf[0].kind == Leaf::Kind::kAction;
  });
  const bool more_actions = 2 * actions >= std::ssize(turn);
  const Leaf::Kind commoner = more_actions ? Leaf::Kind::kAction : Leaf::Kind::kOutcome;
  take([commoner](const Tree& tree) { return tree.leaf[0].kind == commoner; });
}

}  // namespace muzero::search
