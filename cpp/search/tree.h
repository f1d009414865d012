// One root's search tree: plain arrays carved out of an arena shared by all roots.
//
// The arena is one allocation of B equal blocks. Tree b is block b; a block is sized for the most
// nodes its simulations can create, so nothing is allocated while searching:
//
//   block b  +----------------------------+  per decision node i (row 0 is the root)
//            | value          f64 [N]     |  running mean of evaluations and returns, V
//            | edge_value     f64 [N][A]  |  Q of (node, action); unset until visited
//            | raw_value      f32 [N]     |  the network's own value
//            | prior          f32 [N][A]  |  after mask, and at the root after noise
//            | visits         i32 [N]     |  N, the node's own evaluation included
//            | position       i32 [N]     |  row of the position table
//            | depth          i32 [N]     |  environment steps from the root
//            | edge_visits    i32 [N][A]  |  simulations through (node, action)
//            | chance         i32 [N][A]  |  chance node of (node, action), or -1
//            +----------------------------+  per chance node j
//            | outcome_prob   f32 [M][C]  |
//            | reward         f32 [M][C]  |  of the edge to the decision node
//            | traversals     i32 [M][C]  |  simulations that went on through the outcome
//            | child          i32 [M][C]  |  decision node, or -1
//            +----------------------------+
//            | gumbel         f64 [A]     |  noise of the root's actions, 0 without
//            | scratch        f64 [A]     |  of whoever looks at a node's actions
//            | path  {node, action, outcome} [K][L]: the steps to each leaf
//            | leaf  {kind, node, ...} [K]: what waits for an evaluation
//            +----------------------------+  padded to a cache line
//
// Value and visits of a chance node are edge_value and edge_visits of the action leading to it:
// selection then reads one node's A edges side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "search/params.h"

namespace muzero::search {

// Sizes of one tree; equal for all trees of a search.
struct TreeShape {
  int actions;
  int outcomes;
  int decisions;  // N, most decision nodes
  int chances;    // M, most chance nodes
  int steps;      // L, longest path
  int leaves;     // K, most leaves of one step

  static TreeShape of(const Params& params, int actions, int outcomes);
  std::size_t block_bytes() const;
};

// Leaves of a tree's first step: where more than one is allowed, every root action at once.
int first_step_leaves(const Params& params, int actions);

// One environment step of a path: decision node, action taken there, outcome that followed.
struct Step {
  std::int32_t node;
  std::int32_t action;
  std::int32_t outcome;
};

// What a simulation waits for.
struct Leaf {
  enum class Kind { kAction, kOutcome };
  Kind kind;
  std::int32_t node;     // decision node whose action is taken
  std::int32_t action;
  std::int32_t outcome;  // kOutcome only; the last step of the path is the same
  std::int32_t steps;    // length of its path
  std::int32_t row;      // in the columns of its kind
};

constexpr std::int32_t kRootNode = 0;

struct Tree {
  double* value;
  double* edge_value;
  float* raw_value;
  float* prior;
  std::int32_t* visits;
  std::int32_t* position;
  std::int32_t* depth;
  std::int32_t* edge_visits;
  std::int32_t* chance;
  float* outcome_prob;
  float* reward;
  std::int32_t* traversals;
  std::int32_t* child;
  double* gumbel;
  double* scratch;
  Step* path;
  Leaf* leaf;

  std::int32_t num_decisions;
  std::int32_t num_chances;
  std::int32_t num_leaves;
  std::int32_t simulations;   // finished so far
  std::int32_t max_depth;     // deepest environment step a simulation reached
  std::int64_t total_depth;   // summed over simulations

  // Lays the arrays out in `block`, which holds shape.block_bytes() bytes.
  static Tree in(std::byte* block, const TreeShape& shape);

  // Path of leaf i.
  Step* path_of(const TreeShape& shape, std::int32_t i) const {
    return path + std::ptrdiff_t{i} * shape.steps;
  }

  // Forgets all nodes.
  void clear(const TreeShape& shape);
  // Appends a decision node without children; its prior is left to the caller.
  std::int32_t add_decision(std::int32_t at_position, std::int32_t at_depth, float network_value);
  // Appends the chance node of (node, action), without children; probabilities and rewards unset.
  std::int32_t add_chance(const TreeShape& shape, std::int32_t node, std::int32_t action);
};

}  // namespace muzero::search
