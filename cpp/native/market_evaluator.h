// Evaluates states of a learned market, and whole trees of them, divided among threads.
#pragma once

#include <cstdint>
#include <vector>

#include "networks/market.h"
#include "parallel/thread_pool.h"

namespace muzero::native {

// Observations [count, W, columns], of which the leading ones are the market's.
struct Observations {
  const float* first;
  int count;
  int columns;
};

// Everything of market states; arrays of n rows.
struct StateColumns {
  float* latent;          // [n, D]
  float* outcome_probs;   // [n, C]
  float* moves;           // [n, C]
  float* worth;           // [n, P]
  std::int32_t* cluster;  // [n]
};

// What an expectimax reads of the states below B roots.
struct TreeColumns {
  // [states(B, depth), C]: the roots, then those one bar later, and so on; without the leaves.
  float* outcome_probs;
  float* moves;
  float* leaf_worth;           // [B * C^depth, P]
  std::int32_t* leaf_cluster;  // [B * C^depth]
  float* root_worth;           // [B, P]
};

class MarketEvaluator {
 public:
  MarketEvaluator(const networks::MarketSizes& sizes, const networks::Arithmetic& arithmetic,
                  int threads);

  networks::MarketNetwork& network() { return network_; }

  // Inner states of trees of `depth` below so many roots, 64 bits as they may be many.
  std::int64_t inner_states(int roots, int depth) const;
  std::int64_t leaves(int roots, int depth) const;

  // `known` [count, I] is what the worth head is told of each; nullptr: what is usual. Clusters are
  // told apart by what worth usually is.
  void roots(const Observations& observations, const float* known, const StateColumns& to);
  // The states one bar after latents [count, D]: count * C rows; `known` is of those of a latent.
  void successors(const float* latent, int count, const float* known, const StateColumns& to);
  // `now` is known of the roots, `later` of the leaves below each.
  void ahead(const Observations& observations, int depth, const float* now, const float* later,
             const TreeColumns& to);

 private:
  // Buffers of one thread, for `rows` states.
  struct Worker {
    Worker(const networks::MarketNetwork& network, int rows);

    networks::Workspace workspace;
    networks::Floats latent;   // of `rows`
    networks::Floats next;     // of `rows`
    std::vector<float> probs;  // [rows, C]
    std::vector<float> moves;  // [rows, C]
  };

  // Calls work(worker, first, count) for consecutive parts of [0, count), each of at most as many
  // as make kRows rows of `rows_each`.
  template <typename Work>
  void divide(int count, std::int64_t rows_each, const Work& work);
  void encode(Worker& worker, const Observations& observations, int first, int count) const;
  // Known inputs from those of root or latent `first` on, of which each holds for `each` rows.
  networks::Told told(const float* known, int first, std::int64_t each) const;
  void states(Worker& worker, const float* latent, std::int64_t first, int rows,
              const networks::Told& told, const StateColumns& to) const;
  // Clusters of so many latents, and their worth given what is told.
  void seen(Worker& worker, const float* latent, int rows, const networks::Told& told,
            const float* probs, const float* moves, float* worth, std::int32_t* cluster) const;
  void tree(Worker& worker, const Observations& observations, int first, int count, int depth,
            const float* now, const float* later, const TreeColumns& to) const;

  networks::MarketNetwork network_;
  parallel::ThreadPool pool_;
  std::vector<Worker> workers_;  // one per thread
};

}  // namespace muzero::native
