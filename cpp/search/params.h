// What a search is: its constants, its sizes, and the one error it raises.
#pragma once

#include <stdexcept>

namespace muzero::search {

// An argument the search cannot use; the message names it.
struct SearchError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where actions that the position table calls illegal are masked.
enum class LegalActions { kTree, kRoot, kOff };

// What one simulation evaluates.
enum class Expansion {
  kAllOutcomes,    // an action: its outcome probabilities and all C successors
  kSingleOutcome,  // one node, chance or decision (Antonoglou et al. 2022)
};

// How actions are chosen.
enum class Root {
  kPuct,    // by prior, Q and visits; the root as any other node, with noise in its prior
  kGumbel,  // by sequential halving with Gumbel noise (gumbel.h)
};

// Whose rules the search follows where they differ from its own.
enum class Compatibility {
  kNone,
  kMctx,  // mctx.stochastic_muzero_policy: depth_limit counts both kinds of edge, and the root
          // has no rule of its own
};

struct Params {
  int num_simulations;               // simulations of one search, per root
  int depth_limit;                   // environment steps from the root to the deepest node
  double discount;                   // of one environment step
  double pb_c_init;                  // pUCT: weight of the prior against Q
  double pb_c_base;                  // pUCT: visits at which that weight starts to grow
  double root_dirichlet_alpha;       // concentration of the noise over the legal root actions
  double root_exploration_fraction;  // share of noise in the root prior
  LegalActions legal_actions;
  Expansion expansion;
  Compatibility compatibility;
  Root root;
  int max_num_considered_actions;    // root actions that sequential halving begins with
  int leaves_per_step;               // leaves of one tree that are evaluated together
};

// Below this spread of Q values a node's Q is not stretched to [0, 1] (mctx's epsilon).
inline constexpr double kMinValueSpread = 1e-8;

}  // namespace muzero::search
