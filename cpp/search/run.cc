// The whole search in one call: threads take up trees that wait for an evaluation, in batches.
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

// Most trees whose leaves are evaluated together. All weights pass through the caches for each
// batch, so that few rows wait for memory; of many rows the caches lose the rows instead.
constexpr int kMostTrees = 16;
// Trees of a pool where a root's result would otherwise depend on the number of threads.
constexpr int kFixedTrees = 8;

constexpr int kKinds = 2;

// Chance and decision nodes have networks of their own, so leaves of one kind make larger batches.
// Where a tree has several leaves there are both kinds anyway.
int kind_of(const Tree& tree) {
  return tree.shape.leaves == 1 && tree.leaf[0].kind == Leaf::Kind::kOutcome ? 1 : 0;
}

}  // namespace

// Trees that one worker searches, or several together. Each takes what waits, so that none is idle
// and batches are larger than if every worker had trees of its own.
struct Search::Pool {
  Pool(Tree* first, int trees, int workers)
      : most(std::min(divided_up(trees, workers), kMostTrees)), unfinished(trees) {
    for (int i = 0; i < trees; ++i) waiting[0].push_back(first + i);
  }

  // Trees to go on with, those of one kind that have waited longest; false if all are finished.
  bool take(std::vector<Tree*>& trees);
  // Trees that have gone on: to their next leaves, or to their end.
  void give_back(const std::vector<Tree*>& trees);
  // Trees that cannot go on.
  void give_up(const std::vector<Tree*>& trees, const std::exception_ptr& why);

  const int most;  // trees to take at once
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Tree*> waiting[kKinds];  // by the kind of their leaf; at first for nothing
  int unfinished;                     // trees that wait or are at work
  const Tree* failed = nullptr;       // the first of the trees given up
  std::exception_ptr error;           // and why
};

bool Search::Pool::take(std::vector<Tree*>& trees) {
  std::unique_lock lock(mutex);
  changed.wait(lock,
               [this] { return unfinished == 0 || !waiting[0].empty() || !waiting[1].empty(); });
  if (unfinished == 0) return false;
  // The commoner kind: the other will be more when its turn comes.
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
    if (tree->num_leaves > 0) {
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

// Until no tree of the pool has a simulation left.
void Search::work(LeafEvaluator& evaluator, int worker, Pool& pool) {
  std::vector<Tree*> trees, walking;
  LeafColumns actions, outcomes;
  while (pool.take(trees)) {
    try {
      actions.clear();
      outcomes.clear();
      for (Tree* tree : trees) collect_leaves(*tree, actions, outcomes);
      if (actions.size() + outcomes.size() > 0) {
        const Evaluations evaluations = evaluator.evaluate(worker, actions, outcomes);
        validate(actions, evaluations.actions, successors_per_action());
        validate(outcomes, evaluations.outcomes, 1);
        for (Tree* tree : trees) expand_leaves(*tree, evaluations.actions, evaluations.outcomes);
      }
      walking = trees;
      simulate(walking);
      pool.give_back(trees);
    } catch (...) {
      pool.give_up(trees, std::current_exception());
    }
  }
}

}  // namespace muzero::search
