// The constants of a search, and the error it raises.
#pragma once

#include <stdexcept>

namespace muzero::search {

// An argument is invalid; the message names it.
struct SearchError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where actions that are illegal in the position table are masked.
enum class LegalActions { kTree, kRoot, kOff };

// What one simulation evaluates.
enum class Expansion {
  kAllOutcomes,    // an action: its outcome probabilities and all C successors
  kSingleOutcome,  // one node, chance or decision (Antonoglou et al. 2022)
};

// How actions are chosen.
enum class Root {
  kPuct,    // by prior, Q and visits; the root like any other node, with noise in its prior
  kGumbel,  // by sequential halving with Gumbel noise (gumbel.h)
};

// Another implementation whose rules the search follows.
enum class Compatibility {
  kNone,
  kMctx,  // mctx.stochastic_muzero_policy: depth_limit counts both kinds of edge, and the root
          // has no rule of its own
};

// A search's constants and their defaults; see params.def.
struct Params {
#define NUMBER(type, name, standard, lowest, highest) type name = standard;
#define CHOICE(type, name, standard) type name = type::standard;
#include "search/params.def"
};

// Below this spread of Q values a node's Q is not stretched to [0, 1] (mctx's epsilon).
inline constexpr double kMinValueSpread = 1e-8;

}  // namespace muzero::search
