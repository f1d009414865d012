// Taking a leaf's evaluation into its tree and carrying its return back to the root.
#pragma once

#include <cstdint>

#include "search/tree.h"

namespace muzero::search {

// One leaf's evaluation; which members are set depends on the leaf and the expansion mode.
struct Evaluation {
  const float* outcome_probs;  // [C], action leaves
  const float* reward;         // [C] for all outcomes, [1] for one
  const float* value;          // [C] for all outcomes, [1] for one or for an afterstate
  const float* prior;          // [C, A] for all outcomes, [A] for one
};

// The agent's own state: where each action leads, and what may be chosen inside the tree.
struct PositionTable {
  const std::int32_t* next;           // [P, A]; -1 where illegal, and then the position stays
  const std::uint8_t* tree_allowed;   // [P, A]
};

// Weights over the allowed actions, normalised; uniform where all of them are zero.
void normalize_prior(const float* weights, const std::uint8_t* allowed, int actions,
                     float* prior);

// Expands tree.leaf with its evaluation and backs the simulation up.
void expand(Tree& tree, const TreeShape& shape, const Params& params,
            const PositionTable& positions, const Evaluation& evaluation);

// Ends a simulation at a decision node that may not be expanded: its network value counts once more.
void back_up_stopped(Tree& tree, const TreeShape& shape, const Params& params, std::int32_t node);

// The same at the chance node of (node, action).
void back_up_stopped_at_chance(Tree& tree, const TreeShape& shape, const Params& params,
                               std::int32_t node, std::int32_t action);

}  // namespace muzero::search
