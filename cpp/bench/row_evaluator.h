// An evaluator that costs next to nothing, so that a search measures only the tree's time.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "search/leaf_evaluator.h"

namespace muzero::bench {

// Precomputed rows of evaluations.
struct Rows {
  int count;
  int actions;                       // A
  int outcomes;                      // C
  std::vector<float> outcome_probs;  // [count, C]
  std::vector<float> reward;         // [count, C]
  std::vector<float> value;          // [count, C]
  std::vector<float> prior;          // [count, C, A]
};

// Returns the next rows at every call; each worker starts from the first row.
class RowEvaluator : public search::LeafEvaluator {
 public:
  explicit RowEvaluator(Rows rows) : rows_(std::move(rows)) {}

  void begin(const search::Search& search, int workers, int leaves) override;
  search::Evaluations evaluate(int worker, const search::LeafColumns& actions,
                               const search::LeafColumns& outcomes) override;
  search::Distributions distributions(int worker, const search::NodeColumns& decisions,
                                      const search::NodeColumns& chances) override;

 private:
  struct alignas(64) Cursor {  // on its own cache line
    std::size_t next = 0;
  };

  std::size_t take(int worker, std::size_t wanted);
  search::EvaluationColumns from(std::size_t row) const;

  Rows rows_;
  std::vector<Cursor> cursors_;  // by worker
};

}  // namespace muzero::bench
