#include "native/market_evaluator.h"

#include <vector>

#include "common/integers.h"
#include "networks/kernels.h"
#include "third_party/doctest/doctest.h"

namespace muzero::native {
namespace {

constexpr int kOutcomes = 3, kPositions = 5, kMembers = 2, kWidth = 20, kBars = 4, kColumns = 6;

networks::MarketSizes sizes() {
  return {.window = {.features = 4, .window_bars = kBars, .history = {0, 3}, .width = kWidth},
          .members = kMembers,
          .outcomes = kOutcomes,
          .positions = kPositions,
          .longest = 2,
          .shortest = 4,
          .clusters = 7,
          .usual = {},
          .session_bars = 0};
}

// Numbers between -1 and 1 that follow no pattern.
std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::vector<float> found;
  for (unsigned state = 2 * seed + 1; found.size() < count;) {
    state = state * 1664525u + 1013904223u;
    found.push_back(static_cast<float>(state >> 8) / 8388608.0f - 1.0f);
  }
  return found;
}

void load(MarketEvaluator& evaluator) {
  unsigned seed = 0;
  for (const networks::Parameter& parameter : evaluator.network().parameters()) {
    std::size_t count = 1;
    for (const int side : parameter.shape) count *= as_size(side);
    parameter.load(numbers(count, ++seed).data());
  }
}

struct States {
  explicit States(std::size_t rows)
      : latent(rows * kMembers * kWidth),
        probs(rows * kOutcomes),
        moves(rows * kOutcomes),
        worth(rows * kPositions),
        cluster(rows) {}

  StateColumns columns() {
    return {latent.data(), probs.data(), moves.data(), worth.data(), cluster.data()};
  }

  std::vector<float> latent, probs, moves, worth;
  std::vector<std::int32_t> cluster;
};

struct Tree {
  Tree(std::size_t roots, std::size_t inner, std::size_t leaves)
      : probs(inner * kOutcomes),
        moves(inner * kOutcomes),
        leaf_worth(leaves * kPositions),
        cluster(leaves),
        root_worth(roots * kPositions) {}

  TreeColumns columns() {
    return {probs.data(), moves.data(), leaf_worth.data(), cluster.data(), root_worth.data()};
  }

  std::vector<float> probs, moves, leaf_worth;
  std::vector<std::int32_t> cluster;
  std::vector<float> root_worth;
};

TEST_CASE("a tree of market states is step after step, whatever the number of threads") {
  constexpr int kRoots = 13, kDepth = 2;
  const std::vector<float> windows = numbers(as_size(kRoots * kBars * kColumns), 99);
  const Observations observations{windows.data(), kRoots, kColumns};
  for (const networks::Kernels* kernels : networks::runnable_kernels()) {
    MarketEvaluator alone(sizes(), *kernels, 1), shared(sizes(), *kernels, 3);
    load(alone);
    load(shared);
    REQUIRE(alone.inner_states(kRoots, kDepth) == kRoots * (1 + kOutcomes));
    Tree one(kRoots, kRoots * 4, kRoots * 9), other(kRoots, kRoots * 4, kRoots * 9);
    alone.ahead(observations, kDepth, nullptr, nullptr, one.columns());
    shared.ahead(observations, kDepth, nullptr, nullptr, other.columns());
    CHECK(one.probs == other.probs);
    CHECK(one.moves == other.moves);
    CHECK(one.leaf_worth == other.leaf_worth);
    CHECK(one.cluster == other.cluster);
    CHECK(one.root_worth == other.root_worth);

    States root(kRoots), next(kRoots * 3), leaf(kRoots * 9);
    shared.roots(observations, nullptr, root.columns());
    shared.successors(root.latent.data(), kRoots, nullptr, next.columns());
    shared.successors(next.latent.data(), kRoots * 3, nullptr, leaf.columns());
    if (!kernels->independent_rows) continue;
    CHECK(one.root_worth == root.worth);
    CHECK(one.leaf_worth == leaf.worth);
    CHECK(one.cluster == leaf.cluster);
    root.moves.insert(root.moves.end(), next.moves.begin(), next.moves.end());
    CHECK(one.moves == root.moves);
    root.probs.insert(root.probs.end(), next.probs.begin(), next.probs.end());
    CHECK(one.probs == root.probs);
  }
}

TEST_CASE("what the worth head is told changes worth alone, row by row") {
  constexpr int kRoots = 13, kDepth = 2;
  networks::MarketSizes told_sizes = sizes();
  told_sizes.usual = {0.5f, 0.75f};
  told_sizes.session_bars = 40;
  const std::vector<float> windows = numbers(as_size(kRoots * kBars * kColumns), 99);
  std::vector<float> now = numbers(2 * kRoots, 5), later = numbers(2 * kRoots, 6), usual;
  for (float& share : now) share = share * share + 0.01f;
  for (float& share : later) share = share * share + 0.01f;
  for (int r = 0; r < kRoots; ++r) usual.insert(usual.end(), {0.5f, 0.75f});
  const Observations observations{windows.data(), kRoots, kColumns};
  for (const networks::Kernels* kernels : networks::runnable_kernels()) {
    MarketEvaluator alone(told_sizes, *kernels, 1), shared(told_sizes, *kernels, 3);
    load(alone);
    load(shared);
    Tree one(kRoots, kRoots * 4, kRoots * 9), other(kRoots, kRoots * 4, kRoots * 9),
        untold(kRoots, kRoots * 4, kRoots * 9), as_usual(kRoots, kRoots * 4, kRoots * 9);
    alone.ahead(observations, kDepth, now.data(), later.data(), one.columns());
    shared.ahead(observations, kDepth, now.data(), later.data(), other.columns());
    shared.ahead(observations, kDepth, nullptr, nullptr, untold.columns());
    shared.ahead(observations, kDepth, usual.data(), usual.data(), as_usual.columns());
    CHECK(one.leaf_worth == other.leaf_worth);
    CHECK(one.root_worth == other.root_worth);
    CHECK(untold.leaf_worth == as_usual.leaf_worth);
    CHECK(untold.root_worth == as_usual.root_worth);
    CHECK(one.leaf_worth != untold.leaf_worth);
    CHECK(one.moves == untold.moves);
    CHECK(one.cluster == untold.cluster);

    States root(kRoots), next(kRoots * 3);
    shared.roots(observations, now.data(), root.columns());
    shared.successors(root.latent.data(), kRoots, later.data(), next.columns());
    if (!kernels->independent_rows) continue;
    CHECK(one.root_worth == root.worth);
    Tree near(kRoots, kRoots, kRoots * 3);
    shared.ahead(observations, 1, now.data(), later.data(), near.columns());
    CHECK(near.leaf_worth == next.worth);
  }
}

}  // namespace
}  // namespace muzero::native
