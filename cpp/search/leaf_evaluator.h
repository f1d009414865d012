// The interface of evaluators in C++, which let Search::run() work without Python.
#pragma once

#include "search/search.h"

namespace muzero::search {

// Evaluations of the two kinds of leaves; unused members are null.
struct Evaluations {
  EvaluationColumns actions;
  EvaluationColumns outcomes;
};

// Evaluates leaves with a network, and owns the trees' latents by slot.
class LeafEvaluator {
 public:
  virtual ~LeafEvaluator() = default;

  // Whether a leaf's evaluation is the same, bit for bit, whatever the other leaves in the batch.
  virtual bool rows_are_independent() const { return true; }

  // Called before every run: `search` will use workers 0 .. workers - 1 and at most `leaves` leaves
  // per call. Throws SearchError if it cannot serve that search.
  virtual void begin(const Search& search, int workers, int leaves) = 0;

  // Evaluates leaves, none below another; either column may be empty. Distributions from which no
  // backup takes a mean are better left out, as few walks need them. Workers call concurrently; the
  // result stays valid until the worker's next call.
  virtual Evaluations evaluate(int worker, const LeafColumns& actions,
                               const LeafColumns& outcomes) = 0;

  // The distributions that evaluate() left out, of nodes that a walk is about to leave for the
  // first time, at most one for each tree; either column may be empty. Otherwise like evaluate().
  virtual Distributions distributions(int worker, const NodeColumns& decisions,
                                      const NodeColumns& chances) = 0;
};

}  // namespace muzero::search
