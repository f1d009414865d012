// Adds a leaf's evaluation to its tree and backs its return up to the root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "search/tree.h"

namespace muzero::search {

// A row of a column, or null if there is no column.
inline const float* row_of(const float* column, int row, int width) {
  return column == nullptr ? nullptr : column + std::ptrdiff_t{row} * width;
}

// One leaf's evaluation; which members are set depends on the leaf and the expansion mode.
// Distributions that are null are asked for when a walk first needs them.
struct Evaluation {
  const float* outcome_probs;  // [C], action leaves
  const float* reward;         // [C] for all outcomes, [1] for one
  const float* value;          // [C] for all outcomes, [1] for one or for an afterstate
  const float* prior;          // [C, A] for all outcomes, [A] for one
};

// Transitions of the agent's position, and the actions that may be chosen inside the tree.
struct PositionTable {
  const std::int32_t* next;          // [P, A]; -1 if illegal, which keeps the position
  const std::uint8_t* tree_allowed;  // [P, A]
};

// Normalizes weights over the allowed actions; uniform if all are zero. The others become
// kNotAllowed.
void normalize_prior(const float* weights, const std::uint8_t* allowed, int actions, float* prior);

// Sets the distribution of a chance node: weights [C], not all zero.
void set_outcome_probs(Tree& tree, std::int32_t chance, const float* weights);

// Sets the distribution of a decision node below the root: weights [A].
void set_prior(Tree& tree, const PositionTable& positions, std::int32_t node, const float* weights);

using Path = std::span<const Step>;

// Expands leaf i with its evaluation and backs its simulation up.
void expand(Tree& tree, const Params& params, const PositionTable& positions, std::int32_t i,
            const Evaluation& evaluation);

// Ends a simulation at a decision node that must not be expanded: counts its network value once
// more.
void back_up_stopped(Tree& tree, const Params& params, Path path, std::int32_t node);

// The same at the chance node of (node, action).
void back_up_stopped_at_chance(Tree& tree, const Params& params, Path path, std::int32_t node,
                               std::int32_t action);

// Adds (by 1) or removes (by -1) the visits of the simulation that waits at leaf i, as if it were
// finished except for its value.
void count_waiting(Tree& tree, std::int32_t i, std::int32_t by);

}  // namespace muzero::search
