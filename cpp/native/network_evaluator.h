// The networks as an evaluator for the search: latents by slot, and buffers for each thread.
#pragma once

#include <cstdint>
#include <vector>

#include "networks/recurrent.h"
#include "search/leaf_evaluator.h"

namespace muzero::native {

class NetworkEvaluator : public search::LeafEvaluator {
 public:
  NetworkEvaluator(const networks::Sizes& sizes, const networks::Arithmetic& arithmetic)
      : network_(sizes, arithmetic), independent_rows_(arithmetic.kernels.independent_rows) {}

  networks::RecurrentNetwork& network() { return network_; }

  // Policy [rows, A] and value [rows] of latents [rows, D].
  void predict(const float* latents, int rows, float* prior, float* value);

  // Starts a search: stores latents [rows, D] in `slots` [rows], all below `capacity`.
  void reset(int rows, const float* latents, const std::int32_t* slots, int capacity);

  // Latents of `slots` as the search stored them -> [rows, D].
  void latents(const std::int32_t* slots, int rows, float* to) const;

  bool rows_are_independent() const override { return independent_rows_; }
  void begin(const search::Search& search, int workers, int leaves) override;
  search::Evaluations evaluate(int worker, const search::LeafColumns& actions,
                               const search::LeafColumns& outcomes) override;
  search::Distributions distributions(int worker, const search::NodeColumns& decisions,
                                      const search::NodeColumns& chances) override;

  // Throws SearchError if a slot, action or outcome is out of range.
  void require_valid(const search::LeafColumns& leaves) const;
  void require_valid(const search::NodeColumns& nodes) const;
  // Allocates buffers for that many workers, and leaves or nodes of a kind per call.
  void reserve(int workers, int leaves);

 private:
  // Buffers of one thread, for `leaves` leaves with C successors each.
  struct Worker {
    Worker(const networks::RecurrentNetwork& network, int leaves);

    int leaves;
    networks::Workspace workspace;
    networks::Floats latent;              // [leaves, padded(D)]
    networks::Floats next;                // [leaves * C, padded(D)]
    std::vector<float> outcome_probs;     // [leaves, C]
    std::vector<float> afterstate_value;  // [leaves]
    std::vector<float> reward;            // [leaves * C]
    std::vector<float> value;             // [leaves * C]
    std::vector<float> prior;             // [leaves, A]
  };

  search::EvaluationColumns evaluate_afterstates(Worker& worker,
                                                 const search::LeafColumns& leaves) const;
  search::EvaluationColumns evaluate_all_outcomes(Worker& worker,
                                                  const search::LeafColumns& leaves);
  search::EvaluationColumns evaluate_outcomes(Worker& worker, const search::LeafColumns& leaves);
  void outcome_probs(Worker& worker, const std::vector<std::int32_t>& actions) const;
  void evaluate_successors(Worker& worker, const search::LeafColumns& leaves);
  void gather(const std::vector<std::int32_t>& slots, float* latents) const;

  networks::RecurrentNetwork network_;
  bool independent_rows_;
  networks::Floats pool_;  // [capacity, padded(D)]
  int capacity_ = 0;
  int room_ = 0;  // slots allocated in the pool
  std::vector<Worker> workers_;
};

}  // namespace muzero::native
