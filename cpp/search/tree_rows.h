// A tree as a table, for display, files and tests.
#pragma once

#include <cstdint>
#include <vector>

#include "search/tree.h"

namespace muzero::search {

// One row per node, breadth first, children ordered by action or outcome; row 0 is the root. NaN
// where a column does not apply: priors belong to chance nodes (of their action), probabilities
// and rewards to decision nodes (of their outcome).
struct TreeRows {
  std::vector<std::int32_t> parent;             // row of the parent, -1 for the root
  std::vector<std::int8_t> kind;                // 0 decision node, 1 chance node
  std::vector<std::int32_t> action_or_outcome;  // edge from the parent, -1 for the root
  std::vector<float> prior;
  std::vector<std::int32_t> visits;
  std::vector<double> value;
  std::vector<float> reward;
  std::vector<std::int32_t> depth;  // environment steps; a chance node has its parent's depth
  std::vector<float> probability;
};

TreeRows tree_rows(const Tree& tree);

}  // namespace muzero::search
