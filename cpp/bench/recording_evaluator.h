// An evaluator that records its batches, so that they can be replayed without a tree.
#pragma once

#include <vector>

#include "search/leaf_evaluator.h"

namespace muzero::bench {

// Forwards every call to `inner`.
class RecordingEvaluator : public search::LeafEvaluator {
 public:
  explicit RecordingEvaluator(search::LeafEvaluator& inner) : inner_(inner) {}

  bool rows_are_independent() const override { return inner_.rows_are_independent(); }
  void begin(const search::Search& search, int workers, int leaves) override;
  search::Evaluations evaluate(int worker, const search::LeafColumns& actions,
                               const search::LeafColumns& outcomes) override;
  search::Distributions distributions(int worker, const search::NodeColumns& decisions,
                                      const search::NodeColumns& chances) override;

  // Evaluates every batch of the last run again, with one thread per worker.
  void replay() const;

 private:
  // One call, of either kind.
  struct Batch {
    search::LeafColumns actions = {}, outcomes = {};
    search::NodeColumns decisions = {}, chances = {};
  };

  search::LeafEvaluator& inner_;
  std::vector<std::vector<Batch>> batches_;  // by worker
};

}  // namespace muzero::bench
