// An evaluator that remembers what it was asked, to be asked again without a tree.
#pragma once

#include <vector>

#include "search/leaf_evaluator.h"

namespace muzero::bench {

// Passes everything on to `inner`.
class RecordingEvaluator : public search::LeafEvaluator {
 public:
  explicit RecordingEvaluator(search::LeafEvaluator& inner) : inner_(inner) {}

  bool rows_are_independent() const override { return inner_.rows_are_independent(); }
  void begin(const search::Search& search, int workers, int leaves) override;
  search::Evaluations evaluate(int worker, const search::LeafColumns& actions,
                               const search::LeafColumns& outcomes) override;

  // Has every batch of the last run evaluated again, each worker's on a thread of its own.
  void replay() const;

 private:
  struct Batch {
    search::LeafColumns actions;
    search::LeafColumns outcomes;
  };

  search::LeafEvaluator& inner_;
  std::vector<std::vector<Batch>> batches_;  // by worker
};

}  // namespace muzero::bench
