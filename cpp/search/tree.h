// The search tree of one root, with nodes in an arena shared by all roots.
//
// The arena is one allocation of B equal blocks. Tree b is block b; a block has room for the
// maximum number of nodes that its simulations can create, so searching allocates nothing:
//
//   block b  +----------------------------+  per decision node (node 0 is the root): Decision,
//            | value         f64          |  running mean of evaluations and returns, V
//            | raw_value     f32          |  the network's own value
//            | visits        i32          |  N, the node's own evaluation included
//            | position      i32          |  row of the position table
//            | depth         i32          |  environment steps from the root
//            +- - - - - - - - - - - - - - +  and Actions
//            | value         f64 [A]      |  Q, NaN until expanded
//            | prior         f32 [A]      |  at the root after noise; -inf where not allowed, NaN
//            |                            |  in the first until known
//            | visits        i32 [A]      |  simulations through the action
//            | chance        i32 [A]      |  chance node, or -1
//            +----------------------------+  per chance node: Outcomes
//            | probability   f32 [C]      |  NaN in the first until known
//            | reward        f32 [C]      |  of the edge to the decision node
//            | traversals    i32 [C]      |  simulations through the outcome
//            | child         i32 [C]      |  decision node, or -1
//            +----------------------------+
//            | gumbel        f64 [A]      |  noise of the root's actions, 0 if none
//            | scratch       f64 [A]      |  temporary values per action
//            | path  {node, action, outcome} [K][L]: the steps to each leaf
//            | leaf  {kind, node, ...} [K]: the leaves that wait for an evaluation
//            +----------------------------+
//
// Value and visits of a chance node are those of the action leading to it.
//
// A walk waits for memory at every node it reaches, so each node is contiguous and starts on a
// cache line: two lines for a decision node with up to 4 actions, one for a chance node with up to
// 4 outcomes. Actions and outcomes are padded to groups of 4 lanes, which selection processes
// together.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "common/aligned.h"
#include "common/integers.h"
#include "search/params.h"

namespace muzero::search {

// Sizes of a tree, the same for all trees of a search.
struct TreeShape {
  int actions;
  int outcomes;
  int decisions;  // N, maximum decision nodes
  int chances;    // M, maximum chance nodes
  int steps;      // L, maximum path length
  int leaves;     // K, maximum leaves per step

  static TreeShape of(const Params& params, int actions, int outcomes);
  std::size_t block_bytes() const;
};

// Leaves of a tree's first step: if more than one is allowed, all root actions at once.
int first_step_leaves(const Params& params, int actions);

// One environment step of a path: decision node, action taken, outcome that followed.
struct Step {
  std::int32_t node;
  std::int32_t action;
  std::int32_t outcome;
};

// The evaluation that a simulation waits for.
struct Leaf {
  enum class Kind { kAction, kOutcome };
  Kind kind;
  std::int32_t node;  // decision node whose action is taken
  std::int32_t action;
  std::int32_t outcome;  // kOutcome only; equals the outcome of the path's last step
  std::int32_t steps;    // length of its path
  std::int32_t row;      // index in the columns of its kind
};

constexpr std::int32_t kRootNode = 0;

// A simulation descending the tree.
struct Walk {
  std::int32_t node = kRootNode;
  std::int32_t steps = 0;    // steps taken so far, in its path
  std::int32_t action = -1;  // action chosen at the node
  std::int32_t chance = -1;  // chance node of that action, if it has come that far
  bool asks = false;         // waits for the distribution of the node it has come to
};

// Prior of an action that must not be taken: gives it the lowest possible score.
inline constexpr float kNotAllowed = -std::numeric_limits<float>::infinity();

// First number of a node's distribution, over its actions or outcomes, until that is known.
inline constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

inline constexpr int kLanes = 4;

constexpr int padded(int count) { return rounded_up(count, kLanes); }

inline void prefetch(const std::byte* first, std::ptrdiff_t bytes) {
  constexpr auto line = static_cast<std::ptrdiff_t>(kCacheLine);
  for (std::ptrdiff_t i = 0; i < bytes; i += line) __builtin_prefetch(first + i, 1);
}

// See the diagram above.
struct Decision {
  double value;
  float raw_value;
  std::int32_t visits;
  std::int32_t position;
  std::int32_t depth;
};

// Columns of one decision node, [padded(A)]. Padding is never allowed.
struct Actions {
  double* value;
  float* prior;
  std::int32_t* visits;
  std::int32_t* chance;
};

// Columns of one chance node, [padded(C)]. Padding has no probability.
struct Outcomes {
  float* probability;
  float* reward;
  std::int32_t* traversals;
  std::int32_t* child;
};

// How many nodes of a kind have a distribution, and how many of those a walk or a mean has used.
struct Known {
  std::int32_t nodes = 0;
  std::int32_t used = 0;
};

struct Tree {
  TreeShape shape;  // the same for every tree of a search
  std::byte* decisions;
  std::byte* chances;
  std::ptrdiff_t decision_bytes;  // distance between nodes
  std::ptrdiff_t chance_bytes;
  std::ptrdiff_t action_lanes;   // padded(A)
  std::ptrdiff_t outcome_lanes;  // padded(C)
  double* gumbel;
  double* scratch;
  Step* path;
  Leaf* leaf;

  std::int32_t num_decisions;
  std::int32_t num_chances;
  std::int32_t num_leaves;
  std::int32_t num_counted;  // leaves counted as visited
  Walk walk;
  std::int32_t simulations;  // number finished
  std::int32_t max_depth;    // deepest environment step reached
  std::int64_t total_depth;  // summed over simulations

  // Creates an empty tree in `block`, which has shape.block_bytes() bytes.
  static Tree in(std::byte* block, const TreeShape& shape);

  Decision& decision(std::int32_t node) const {
    return *reinterpret_cast<Decision*>(decisions + node * decision_bytes);
  }
  Actions actions(std::int32_t node) const {
    auto* value = reinterpret_cast<double*>(&decision(node) + 1);
    auto* prior = reinterpret_cast<float*>(value + action_lanes);
    auto* visits = reinterpret_cast<std::int32_t*>(prior + action_lanes);
    return {value, prior, visits, visits + action_lanes};
  }
  Outcomes outcomes(std::int32_t chance) const {
    auto* probability = reinterpret_cast<float*>(chances + chance * chance_bytes);
    float* reward = probability + outcome_lanes;
    auto* traversals = reinterpret_cast<std::int32_t*>(reward + outcome_lanes);
    return {probability, reward, traversals, traversals + outcome_lanes};
  }

  // Whether the distributions from which a walk chooses are known.
  bool knows_prior(std::int32_t node) const { return !std::isnan(actions(node).prior[0]); }
  bool knows_probability(std::int32_t chance) const {
    return !std::isnan(outcomes(chance).probability[0]);
  }

  Known known_priors() const;  // below the root
  Known known_probabilities() const;

  // Prefetches a node that will be read soon.
  void prefetch_decision(std::int32_t node) const {
    prefetch(decisions + node * decision_bytes, decision_bytes);
  }
  void prefetch_chance(std::int32_t chance) const {
    prefetch(chances + chance * chance_bytes, chance_bytes);
  }

  // Path of leaf i.
  Step* path_of(std::int32_t i) const { return path + std::ptrdiff_t{i} * shape.steps; }

  // Appends a decision node without expanded actions or priors.
  std::int32_t add_decision(std::int32_t position, std::int32_t depth, float network_value);
  // Appends the chance node of (node, action), without children, probabilities or rewards.
  std::int32_t add_chance(std::int32_t node, std::int32_t action);
};

}  // namespace muzero::search
