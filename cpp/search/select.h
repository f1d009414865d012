// Selects the edge that a simulation follows, at decision nodes and at chance nodes.
#pragma once

#include <cstdint>
#include <vector>

#include "search/tree.h"

namespace muzero::search {

// pUCT's factor of a node with N visits, for N = 0 .. num_simulations + 1:
// sqrt(N) * (pb_c_init + ln((N + pb_c_base + 1) / pb_c_base)).
std::vector<double> exploration_table(const Params& params);

// Action maximizing q(a) + P(a) * exploration / (1 + N(a)), the first on ties. q is Q rescaled to
// [0, 1] over the expanded actions and the node's own value; an action that is not expanded has
// q = 0 (mctx's qtransform_by_parent_and_siblings).
int select_action(const Tree& tree, int node, double exploration);

// The likeliest allowed action without visits, or -1. The root tries every action once before any
// a second time: select_action() treats an untried action as the worst, so that under a confident
// prior its rivals would otherwise never be tried.
int select_untried(const Tree& tree, int node);

// Outcome maximizing P(c) / (N(c) + 1), the first on ties: the visits of a chance node follow its
// probabilities as closely as integers can, without random numbers.
int select_outcome(const Tree& tree, int chance);

}  // namespace muzero::search
