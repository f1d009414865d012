// Evaluations from inside the search: what lets Search::run() do without Python.
#pragma once

#include "search/search.h"

namespace muzero::search {

// Evaluations of the two kinds of leaves; unused members are null.
struct Evaluations {
  EvaluationColumns actions;
  EvaluationColumns outcomes;
};

// A network, and the latents of the trees by slot.
class LeafEvaluator {
 public:
  virtual ~LeafEvaluator() = default;

  // Whether a leaf's evaluation is the same, bit for bit, whatever leaves it is evaluated beside.
  virtual bool rows_are_independent() const { return true; }

  // Before every run: `search` will call with workers 0 .. workers - 1 and at most `leaves` leaves.
  // Throws SearchError unless it can serve that search.
  virtual void begin(const Search& search, int workers, int leaves) = 0;

  // Evaluates leaves, none below another; one of the columns or both may be empty. The prior of
  // successors from which no walk goes on is never looked at: any that is valid will do. Workers
  // call at the same time; the answer stays valid until the worker's next call.
  virtual Evaluations evaluate(int worker, const LeafColumns& actions,
                               const LeafColumns& outcomes) = 0;
};

}  // namespace muzero::search
