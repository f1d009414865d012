// Stochastic tree search from B roots at once, in a two-step form that batches evaluations:
// select() runs every tree to its next unevaluated leaves, backup() applies the evaluations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/aligned.h"
#include "parallel/thread_pool.h"
#include "search/backup.h"
#include "search/params.h"
#include "search/tree.h"

namespace muzero::search {

// Leaves of one kind, one column per field, in tree order.
struct LeafColumns {
  std::vector<std::int32_t> tree;
  std::vector<std::int32_t> parent;  // slot of the decision node
  std::vector<std::int32_t> action;
  std::vector<std::int32_t> outcome;  // outcome leaves only
  std::vector<std::int32_t> slot;     // of the successors: [n, C] for all outcomes, [n] for one
  std::vector<std::uint8_t> goes_on;  // whether a walk may continue from the successors

  std::size_t size() const { return tree.size(); }
  void clear();
};

// Nodes at which walks ask for a distribution, one column per field, in tree order.
struct NodeColumns {
  std::vector<std::int32_t> tree;
  std::vector<std::int32_t> slot;    // of a decision node, or of the one above a chance node
  std::vector<std::int32_t> action;  // chance nodes only

  std::size_t size() const { return tree.size(); }
  void clear();
};

// The answers: what walks choose by. A null member belongs to no node.
struct Distributions {
  const float* prior = nullptr;          // [n, A] of decision nodes
  const float* outcome_probs = nullptr;  // [n, C] of chance nodes
};

// Evaluations of LeafColumns, row by row; unused members are null (see Evaluation).
struct EvaluationColumns {
  const float* outcome_probs = nullptr;
  const float* reward = nullptr;
  const float* value = nullptr;
  const float* prior = nullptr;
};

// Root statistics of a finished search; pointers to [B, A] or [B] as named in result().
struct ResultColumns {
  std::int32_t* visits;
  float* q;
  float* prior;
  float* policy;
  std::int32_t* action;
  float* value;
  float* raw_value;
  std::int32_t* max_depth;
  double* mean_depth;
  std::int32_t* leaves;
  std::int32_t* evaluations;
  std::int32_t* policies;
  std::int32_t* policies_used;
  std::int32_t* chances;
  std::int32_t* chances_used;
};

class LeafEvaluator;

// Not thread-safe: one call at a time, which then uses `threads` threads.
class Search {
 public:
  Search(const Params& params, std::vector<std::int32_t> next_position, int positions, int actions,
         int outcomes, int threads);

  // Starts a search from `roots` roots: prior [B, A], value [B], position [B], seed [B].
  void reset(int roots, const float* prior, const float* value, const std::int32_t* position,
             const std::uint64_t* seed, bool noise);

  // Simulates until every tree waits for an evaluation or is done; false when all are done.
  bool select();

  // Throws unless leaves of the last select() are waiting for backup().
  void require_leaves() const;

  // Backs up evaluations of actions() and outcomes() from the last select(), which must include
  // every distribution: only run() can be asked for one later.
  void backup(const EvaluationColumns& actions, const EvaluationColumns& outcomes);

  // Runs all simulations of all trees, instead of select() and backup(), with leaves evaluated by
  // `evaluator`. Each thread takes trees that wait, and no tree waits for another.
  void run(LeafEvaluator& evaluator);

  // visits, q, prior, policy [B, A]; action, value, raw_value and the statistics [B].
  void result(const ResultColumns& out) const;

  const LeafColumns& actions() const { return actions_; }    // edges to expand
  const LeafColumns& outcomes() const { return outcomes_; }  // single_outcome: successors to add
  const Tree& tree(int root) const;
  const TreeShape& shape() const { return shape_; }
  const Params& params() const { return params_; }
  int roots() const { return static_cast<int>(trees_.size()); }
  int positions() const { return positions_; }
  std::size_t arena_bytes() const { return arena_bytes_; }  // for trees, reused
  // First slot of a tree; decision node i of tree b has slot first_slot(b) + i.
  std::int32_t first_slot(int root) const { return root * shape_.decisions; }

 private:
  struct Pool;
  struct Batch;

  void simulate(std::vector<Tree*>& trees) const;
  void descend(std::vector<Tree*>& trees) const;
  bool begin_walk(Tree& tree) const;
  bool end_step(Tree& tree) const;
  bool take_action(Tree& tree) const;
  bool take_outcome(Tree& tree) const;
  bool ask(Tree& tree) const;
  bool wait(Tree& tree, Leaf::Kind kind, std::int32_t outcome, std::int32_t visits) const;
  void stop(Tree& tree, bool at_chance) const;
  std::int32_t select_at(const Tree& tree, std::int32_t node) const;
  const std::uint8_t* allowed_at(const Tree& tree, std::int32_t node) const;
  void work(LeafEvaluator& evaluator, int worker, Pool& pool);
  void answer(LeafEvaluator& evaluator, int worker, Batch& batch) const;
  void evaluate(LeafEvaluator& evaluator, int worker, Batch& batch) const;
  void collect_node(const Tree& tree, NodeColumns& decisions, NodeColumns& chances) const;
  void collect_leaves(Tree& tree, LeafColumns& actions, LeafColumns& outcomes) const;
  void require_no_leaves(const char* call) const;
  void validate_reset(int roots, const float* prior, const float* value,
                      const std::int32_t* position) const;
  void validate(const LeafColumns& leaves, const EvaluationColumns& columns, int successors) const;
  void validate(const NodeColumns& decisions, const NodeColumns& chances,
                const Distributions& found) const;
  void expand_leaves(Tree& tree, const EvaluationColumns& actions,
                     const EvaluationColumns& outcomes) const;
  void expand_leaf(Tree& tree, std::int32_t i, const EvaluationColumns& columns,
                   int successors) const;
  int successors_per_action() const;
  PositionTable positions_below() const { return {next_position_.data(), tree_allowed_.data()}; }

  Params params_;
  bool mctx_;
  std::int64_t edge_limit_;  // edges of both kinds from the root to a leaf
  int positions_;
  TreeShape shape_;
  std::vector<std::int32_t> next_position_;                   // [P, A]
  std::vector<std::uint8_t> root_allowed_;                    // [P, A]
  std::vector<std::uint8_t> tree_allowed_;                    // [P, A]
  std::vector<double> exploration_;                           // pUCT factor by node visits
  std::vector<std::vector<std::int32_t>> considered_visits_;  // by considered actions minus one
  AlignedArray<std::byte> arena_;                             // memory of all trees
  std::size_t arena_bytes_ = 0;
  std::vector<Tree> trees_;
  LeafColumns actions_;
  LeafColumns outcomes_;
  parallel::ThreadPool pool_;
};

}  // namespace muzero::search
