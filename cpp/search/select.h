// Which edge a simulation follows, at decision nodes and at chance nodes.
#pragma once

#include <cstdint>
#include <vector>

#include "search/tree.h"

namespace muzero::search {

// pUCT's factor of a node with N visits, for N = 0 .. num_simulations + 1:
// sqrt(N) * (pb_c_init + ln((N + pb_c_base + 1) / pb_c_base)).
std::vector<double> exploration_table(const Params& params);

// Action maximising q(a) + P(a) * exploration / (1 + N(a)) over the allowed actions, first index
// on ties. q is Q stretched to [0, 1] over the visited actions and the node's own value; an
// unvisited action has q = 0 (mctx's qtransform_by_parent_and_siblings). With `try_all` every
// allowed action is tried once before any is tried again, the likeliest first: as an untried action
// counts as the worst, a confident prior would otherwise never let its rivals be looked at.
int select_action(const Tree& tree, const TreeShape& shape, int node, const std::uint8_t* allowed,
                  double exploration, bool try_all);

// Outcome maximising P(c) / (N(c) + 1), first index on ties: the visits of a chance node follow
// its probabilities as closely as whole numbers can, without random numbers.
int select_outcome(const Tree& tree, const TreeShape& shape, int chance);

}  // namespace muzero::search
