// A tree as a table, for people, files and tests.
#pragma once

#include <cstdint>
#include <vector>

#include "search/tree.h"

namespace muzero::search {

// One row per node, breadth first, children by action or outcome; row 0 is the root. NaN stands
// where a column does not apply: a prior belongs to a chance node (its action's), a probability
// and a reward to a decision node (its outcome's).
struct TreeRows {
  std::vector<std::int32_t> parent;             // row, -1 for the root
  std::vector<std::int8_t> kind;                // 0 decision node, 1 chance node
  std::vector<std::int32_t> action_or_outcome;  // of the edge from the parent, -1 for the root
  std::vector<float> prior;
  std::vector<std::int32_t> visits;
  std::vector<double> value;
  std::vector<float> reward;
  std::vector<std::int32_t> depth;  // environment steps; a chance node has its parent's
  std::vector<float> probability;
};

TreeRows tree_rows(const Tree& tree);

}  // namespace muzero::search
