#include <cstdint>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "common/integers.h"
#include "search/leaf_evaluator.h"
#include "search/search.h"
#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

constexpr int kActions = 4;
constexpr int kOutcomes = 3;
constexpr int kRoots = 11;

// A number in (0, 1) that a slot and an entry name.
float number(std::int32_t slot, int entry) {
  const auto mixed = static_cast<std::uint32_t>(slot * 2654435761LL + entry * 40503LL);
  return (static_cast<float>((mixed ^ (mixed >> 15)) % 9973) + 1.0f) / 9974.0f;
}

// Numbers by slot. Remembers what was asked for, and by which node.
class AskedEvaluator : public LeafEvaluator {
 public:
  void begin(const Search&, int workers, int leaves) override {
    workers_.assign(as_size(workers), Numbers(as_size(leaves)));
  }

  Evaluations evaluate(int worker, const LeafColumns& actions,
                       const LeafColumns& outcomes) override {
    Numbers& found = workers_[as_size(worker)];
    fill(found.probs, actions.parent, kOutcomes, 10);
    fill(found.action_values, actions.parent, kOutcomes, 20);
    fill(found.action_rewards, actions.parent, kOutcomes, 30);
    fill(found.values, outcomes.slot, 1, 40);
    fill(found.rewards, outcomes.slot, 1, 50);
    const bool all = !actions.slot.empty();
    return {.actions = {.outcome_probs = all ? found.probs.data() : nullptr,
                        .reward = all ? found.action_rewards.data() : nullptr,
                        .value = found.action_values.data()},
            .outcomes = {.reward = found.rewards.data(), .value = found.values.data()}};
  }

  Distributions distributions(int worker, const NodeColumns& decisions,
                              const NodeColumns& chances) override {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      CHECK(priors_.insert(decisions.slot[i]).second);
    }
    for (std::size_t i = 0; i < chances.size(); ++i) {
      CHECK(probs_.insert({chances.slot[i], chances.action[i]}).second);
    }
    Numbers& found = workers_[as_size(worker)];
    fill(found.prior, decisions.slot, kActions, 60);
    fill(found.probs, chances.slot, kOutcomes, 10);
    return {.prior = found.prior.data(), .outcome_probs = found.probs.data()};
  }

  std::size_t priors() const { return priors_.size(); }
  std::size_t probabilities() const { return probs_.size(); }

 private:
  struct Numbers {
    explicit Numbers(std::size_t leaves)
        : probs(leaves * kOutcomes),
          action_values(leaves * kOutcomes),
          action_rewards(leaves * kOutcomes),
          values(leaves),
          rewards(leaves),
          prior(leaves * kActions) {}
    std::vector<float> probs, action_values, action_rewards, values, rewards, prior;
  };

  static void fill(std::vector<float>& column, const std::vector<std::int32_t>& slots, int width,
                   int first) {
    std::size_t i = 0;
    for (const std::int32_t slot : slots) {
      for (int entry = 0; entry < width; ++entry) column[i++] = number(slot, first + entry);
    }
  }

  std::vector<Numbers> workers_;
  std::mutex mutex_;
  std::set<std::int32_t> priors_;
  std::set<std::pair<std::int32_t, std::int32_t>> probs_;
};

TEST_CASE("a run asks once for each distribution, and for none that it does not use") {
  for (const Expansion expansion : {Expansion::kAllOutcomes, Expansion::kSingleOutcome}) {
    for (const Root root : {Root::kPuct, Root::kGumbel}) {
      for (const int leaves : {1, 5}) {
        for (const int threads : {1, 3}) {
          CAPTURE(static_cast<int>(expansion));
          CAPTURE(static_cast<int>(root));
          CAPTURE(leaves);
          CAPTURE(threads);
          const Params params{.num_simulations = 40,
                              .depth_limit = 4,
                              .expansion = expansion,
                              .root = root,
                              .leaves_per_step = leaves};
          Search search(params, {0, 0, 0, 0}, 1, kActions, kOutcomes, threads);
          const std::vector<float> prior(kRoots * kActions, 0.25f), value(kRoots, 0.0f);
          const std::vector<std::int32_t> position(kRoots, 0);
          const std::vector<std::uint64_t> seed(kRoots, 7);
          search.reset(kRoots, prior.data(), value.data(), position.data(), seed.data(), false);
          AskedEvaluator evaluator;
          search.run(evaluator);

          std::size_t priors = 0, chances = 0;
          for (int b = 0; b < kRoots; ++b) {
            const Tree& tree = search.tree(b);
            CHECK(tree.simulations == params.num_simulations);
            CHECK(tree.known_priors().nodes == tree.known_priors().used);
            CHECK(tree.known_probabilities().nodes == tree.known_probabilities().used);
            priors += as_size(tree.known_priors().nodes);
            chances += as_size(tree.known_probabilities().nodes);
          }
          CHECK(evaluator.priors() == priors);
          const bool asked = expansion == Expansion::kSingleOutcome;
          CHECK(evaluator.probabilities() == (asked ? chances : 0));
          CHECK(priors > 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace muzero::search
