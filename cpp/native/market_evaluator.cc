#include "native/market_evaluator.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

#include "common/integers.h"

namespace muzero::native {
namespace {

// States computed together, unless a single tree has more. Fixed, so that a state does not depend
// on the number of threads even where it depends on the others in the batch (Accelerate).
constexpr int kRows = 32;

}  // namespace

MarketEvaluator::MarketEvaluator(const networks::MarketSizes& sizes,
                                 const networks::Arithmetic& arithmetic, int threads)
    : network_(sizes, arithmetic), pool_(threads) {}

MarketEvaluator::Worker::Worker(const networks::MarketNetwork& network, int rows)
    : workspace(network.workspace(rows)),
      latent(networks::zeros(network.latent_area(rows))),
      next(networks::zeros(network.latent_area(rows))),
      probs(as_size(rows) * as_size(network.sizes().outcomes)),
      moves(probs.size()) {}

std::int64_t MarketEvaluator::leaves(int roots, int depth) const {
  std::int64_t count = roots;
  for (int d = 0; d < depth; ++d) count *= network_.sizes().outcomes;
  return count;
}

std::int64_t MarketEvaluator::inner_states(int roots, int depth) const {
  std::int64_t count = 0;
  for (int d = 0; d < depth; ++d) count += leaves(roots, d);
  return count;
}

template <typename Work>
void MarketEvaluator::divide(int count, std::int64_t rows_each, const Work& work) {
  const int part = static_cast<int>(std::max<std::int64_t>(1, kRows / rows_each));
  const int rows = static_cast<int>(part * rows_each);
  if (!workers_.empty() && workers_.front().workspace.rows < rows) workers_.clear();
  while (workers_.size() < as_size(pool_.shares())) workers_.emplace_back(network_, rows);
  std::atomic<int> next = 0;
  pool_.for_each(pool_.shares(), [&](int worker) {
    for (int first = part * next++; first < count; first = part * next++) {
      work(workers_[as_size(worker)], first, std::min(part, count - first));
    }
  });
}

networks::Told MarketEvaluator::told(const float* known, int first, std::int64_t each) const {
  if (known == nullptr || network_.sizes().usual.empty()) return {};
  return {known + as_size(first) * network_.sizes().usual.size(), static_cast<int>(each)};
}

void MarketEvaluator::roots(const Observations& observations, const float* known,
                            const StateColumns& to) {
  divide(observations.count, 1, [&](Worker& worker, int first, int count) {
    encode(worker, observations, first, count);
    states(worker, worker.latent.get(), first, count, told(known, first, 1), to);
  });
}

void MarketEvaluator::successors(const float* latent, int count, const float* known,
                                 const StateColumns& to) {
  const int width = network_.width();
  const int outcomes = network_.sizes().outcomes;
  divide(count, outcomes, [&](Worker& worker, int first, int some) {
    network_.split_latents(latent + std::ptrdiff_t{first} * width, some, worker.latent.get());
    network_.successors(worker.latent.get(), some, worker.workspace, worker.next.get());
    states(worker, worker.next.get(), std::int64_t{first} * outcomes, some * outcomes,
           told(known, first, outcomes), to);
  });
}

void MarketEvaluator::ahead(const Observations& observations, int depth, const float* now,
                            const float* later, const TreeColumns& to) {
  divide(observations.count, leaves(1, depth), [&](Worker& worker, int first, int count) {
    tree(worker, observations, first, count, depth, now, later, to);
  });
}

void MarketEvaluator::encode(Worker& worker, const Observations& observations, int first,
                             int count) const {
  const std::ptrdiff_t values =
      std::ptrdiff_t{network_.sizes().window.window_bars} * observations.columns;
  network_.representation(observations.first + first * values, observations.columns, count,
                          worker.workspace, worker.latent.get());
}

// Everything of so many latents -> rows `first` and following of `to`.
void MarketEvaluator::states(Worker& worker, const float* latent, std::int64_t first, int rows,
                             const networks::Told& told, const StateColumns& to) const {
  const networks::MarketSizes& sizes = network_.sizes();
  float* probs = to.outcome_probs + first * sizes.outcomes;
  float* moves = to.moves + first * sizes.outcomes;
  float* worth = to.worth + first * sizes.positions;
  network_.join_latents(latent, rows, to.latent + first * network_.width());
  network_.outcome_probs(latent, rows, worker.workspace, probs);
  network_.moves(latent, rows, worker.workspace, moves);
  seen(worker, latent, rows, told, probs, moves, worth, to.cluster + first);
}

void MarketEvaluator::seen(Worker& worker, const float* latent, int rows,
                           const networks::Told& told, const float* probs, const float* moves,
                           float* worth, std::int32_t* cluster) const {
  network_.worth(latent, rows, {}, worker.workspace, worth);
  network_.clusters(probs, moves, worth, rows, cluster);
  if (told.first != nullptr) network_.worth(latent, rows, told, worker.workspace, worth);
}

// The trees of `count` roots from `first` on.
void MarketEvaluator::tree(Worker& worker, const Observations& observations, int first, int count,
                           int depth, const float* now, const float* later,
                           const TreeColumns& to) const {
  const networks::MarketSizes& sizes = network_.sizes();
  networks::Workspace& workspace = worker.workspace;
  encode(worker, observations, first, count);
  network_.worth(worker.latent.get(), count, told(now, first, 1), workspace,
                 to.root_worth + std::ptrdiff_t{first} * sizes.positions);
  int rows = count;
  for (int d = 0; d < depth; ++d) {
    const std::int64_t row = inner_states(observations.count, d) + leaves(first, d);
    network_.outcome_probs(worker.latent.get(), rows, workspace,
                           to.outcome_probs + row * sizes.outcomes);
    network_.moves(worker.latent.get(), rows, workspace, to.moves + row * sizes.outcomes);
    network_.successors(worker.latent.get(), rows, workspace, worker.next.get());
    std::swap(worker.latent, worker.next);
    rows *= sizes.outcomes;
  }
  const std::int64_t leaf = leaves(first, depth);
  network_.outcome_probs(worker.latent.get(), rows, workspace, worker.probs.data());
  network_.moves(worker.latent.get(), rows, workspace, worker.moves.data());
  seen(worker, worker.latent.get(), rows, told(later, first, leaves(1, depth)), worker.probs.data(),
       worker.moves.data(), to.leaf_worth + leaf * sizes.positions, to.leaf_cluster + leaf);
}

}  // namespace muzero::native
