// The whole search in one call: threads process batches of trees that wait for an evaluation.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <vector>

#include "common/integers.h"
#include "search/leaf_evaluator.h"
#include "search/search.h"

namespace muzero::search {
namespace {

// Maximum trees whose leaves are evaluated together. All weights pass through the caches for every
// batch, so few rows wait for memory; with many rows, the rows themselves no longer fit.
constexpr int kMostTrees = 16;
// Trees per pool, if a root's result would otherwise depend on the number of threads.
constexpr int kFixedTrees = 8;

constexpr int kKinds = 2;

// Chance and decision nodes have separate networks, so leaves of one kind make larger batches. A
// walk that asks has yet to choose its leaf, an outcome if it is at a chance node. If a tree has
// several leaves, there are both kinds anyway.
int kind_of(const Tree& tree) {
  if (tree.shape.leaves > 1) return 0;
  const bool is_outcome =
      tree.walk.asks ? tree.walk.chance >= 0 : tree.leaf[0].kind == Leaf::Kind::kOutcome;
  return is_outcome ? 1 : 0;
}

}  // namespace

// Trees searched by one worker, or by several together. Each takes whatever waits, so that none is
// idle and batches are larger than if every worker had its own trees.
struct Search::Pool {
  Pool(Tree* first, int trees, int workers)
      : most(std::min(divided_up(trees, workers), kMostTrees)), unfinished(trees) {
    for (int i = 0; i < trees; ++i) waiting[0].push_back(first + i);
  }

  // Takes the trees of one kind that have waited longest; false if all are finished.
  bool take(std::vector<Tree*>& trees);
  // Returns trees that have advanced to their next leaves, or to their end.
  void give_back(const std::vector<Tree*>& trees);
  // Gives up trees that failed.
  void give_up(const std::vector<Tree*>& trees, const std::exception_ptr& why);

  const int most;  // maximum trees to take at once
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Tree*> waiting[kKinds];  // by the kind of their leaf; initially without one
  int unfinished;                     // trees that wait or are being searched
  const Tree* failed = nullptr;       // the first failed tree
  std::exception_ptr error;           // and its error
};

bool Search::Pool::take(std::vector<Tree*>& trees) {
  std::unique_lock lock(mutex);
  changed.wait(lock,
               [this] { return unfinished == 0 || !waiting[0].empty() || !waiting[1].empty(); });
  if (unfinished == 0) return false;
  // The more common kind: the other will have more when its turn comes.
  std::deque<Tree*>& queue = waiting[waiting[1].size() > waiting[0].size() ? 1 : 0];
  const auto last = queue.begin() + std::min<std::ptrdiff_t>(most, std::ssize(queue));
  trees.assign(queue.begin(), last);
  queue.erase(queue.begin(), last);
  lock.unlock();
  std::sort(trees.begin(), trees.end());
  return true;
}

void Search::Pool::give_back(const std::vector<Tree*>& trees) {
  const std::lock_guard lock(mutex);
  for (Tree* tree : trees) {
    if (tree->num_leaves > 0 || tree->walk.asks) {
      waiting[kind_of(*tree)].push_back(tree);
    } else {
      --unfinished;
    }
  }
  changed.notify_all();
}

void Search::Pool::give_up(const std::vector<Tree*>& trees, const std::exception_ptr& why) {
  const std::lock_guard lock(mutex);
  unfinished -= static_cast<int>(trees.size());
  if (failed == nullptr || trees.front() < failed) {
    failed = trees.front();
    error = why;
  }
  changed.notify_all();
}

void Search::run(LeafEvaluator& evaluator) {
  if (trees_.empty()) throw SearchError("run() needs roots: call reset() first");
  require_no_leaves("run()");
  const int workers = pool_.shares();
  const bool shared = evaluator.rows_are_independent();
  const int trees = shared ? roots() : kFixedTrees;
  std::deque<Pool> pools;
  for (int first = 0; first < roots(); first += trees) {
    pools.emplace_back(&trees_[as_size(first)], std::min(trees, roots() - first),
                       shared ? workers : 1);
  }
  evaluator.begin(*this, workers, pools.front().most * shape_.leaves);
  std::atomic<std::size_t> next = 0;
  pool_.for_each(workers, [&](int worker) {
    if (shared) return work(evaluator, worker, pools.front());
    for (std::size_t i = next++; i < pools.size(); i = next++) work(evaluator, worker, pools[i]);
  });
  for (const Pool& pool : pools) {
    if (pool.error) std::rethrow_exception(pool.error);
  }
}

// Trees that a worker has taken, and what they wait for.
struct Search::Batch {
  std::vector<Tree*> trees;
  std::vector<Tree*> walking;  // of these
  NodeColumns decisions, chances;
  LeafColumns actions, outcomes;
};

// Works until no tree of the pool has a simulation left.
void Search::work(LeafEvaluator& evaluator, int worker, Pool& pool) {
  Batch batch;
  while (pool.take(batch.trees)) {
    try {
      answer(evaluator, worker, batch);
      evaluate(evaluator, worker, batch);
      batch.walking = batch.trees;
      simulate(batch.walking);
      pool.give_back(batch.trees);
    } catch (...) {
      pool.give_up(batch.trees, std::current_exception());
    }
  }
}

// Gives walks the distributions they ask for, so that they go on, until none asks.
void Search::answer(LeafEvaluator& evaluator, int worker, Batch& batch) const {
  for (;;) {
    batch.walking.clear();
    batch.decisions.clear();
    batch.chances.clear();
    for (Tree* tree : batch.trees) {
      if (!tree->walk.asks) continue;
      batch.walking.push_back(tree);
      collect_node(*tree, batch.decisions, batch.chances);
    }
    if (batch.walking.empty()) return;
    const Distributions found = evaluator.distributions(worker, batch.decisions, batch.chances);
    validate(batch.decisions, batch.chances, found);
    const float* prior = found.prior;
    const float* outcome_probs = found.outcome_probs;
    for (Tree* tree : batch.walking) {
      tree->walk.asks = false;
      if (tree->walk.chance < 0) {
        set_prior(*tree, positions_below(), tree->walk.node, prior);
        prior += shape_.actions;
      } else {
        set_outcome_probs(*tree, tree->walk.chance, outcome_probs);
        outcome_probs += shape_.outcomes;
      }
    }
    descend(batch.walking);
  }
}

// Evaluates and expands the leaves that wait.
void Search::evaluate(LeafEvaluator& evaluator, int worker, Batch& batch) const {
  batch.actions.clear();
  batch.outcomes.clear();
  for (Tree* tree : batch.trees) collect_leaves(*tree, batch.actions, batch.outcomes);
  if (batch.actions.size() + batch.outcomes.size() == 0) return;
  const auto [actions, outcomes] = evaluator.evaluate(worker, batch.actions, batch.outcomes);
  validate(batch.actions, actions, successors_per_action());
  validate(batch.outcomes, outcomes, 1);
  for (Tree* tree : batch.trees) expand_leaves(*tree, actions, outcomes);
}

}  // namespace muzero::search
