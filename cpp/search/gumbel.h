// Action selection of "Policy improvement by planning with Gumbel" (Danihelka et al. 2022):
// sequential halving with Gumbel noise at the root, a deterministic rule below it, and a policy
// improved by completed Q. Constants are those of the authors' mctx.
#pragma once

#include <cstdint>
#include <vector>

#include "search/tree.h"

namespace muzero::search {

// sigma(q) = (kVisitOffset + largest N(a)) * kValueScale * q, for Q rescaled to [0, 1].
inline constexpr double kVisitOffset = 50.0;
inline constexpr double kValueScale = 0.1;

// For each of `simulations` simulations, the visits an action needs to be considered, if sequential
// halving starts with `considered` actions (mctx's get_sequence_of_considered_visits).
std::vector<std::int32_t> considered_visits(int considered, int simulations);

// Root action with the largest g(a) + ln P(a) + sigma(a) among the allowed ones with
// `considered_visit` visits.
int select_gumbel_root(const Tree& tree, const std::uint8_t* allowed,
                       std::int32_t considered_visit);

// The root action that wins sequential halving: the highest score among the most visited.
int gumbel_winner(const Tree& tree, const std::uint8_t* allowed);

// Action maximizing pi'(a) - N(a) / (1 + sum of N), so that visits follow the improved policy pi'.
int select_gumbel(const Tree& tree, int node, const std::uint8_t* allowed);

// pi' = softmax(ln P + sigma) of a node over its allowed actions, 0 elsewhere; [A] in tree.scratch.
void improved_policy(const Tree& tree, int node, const std::uint8_t* allowed);

}  // namespace muzero::search
