#include "search/select.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "search/test_tree.h"
#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

// select_action() according to its comment, one action at a time.
int naive_action(const Tree& tree, double exploration) {
  const Actions actions = tree.actions(kRootNode);
  double low = tree.decision(kRootNode).value, high = low;
  for (int a = 0; a < tree.shape.actions; ++a) {
    if (std::isnan(actions.value[a])) continue;
    low = std::min(low, actions.value[a]);
    high = std::max(high, actions.value[a]);
  }
  const double spread = std::max(high - low, kMinValueSpread);
  int best = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  for (int a = 0; a < tree.shape.actions; ++a) {
    const double q = std::isnan(actions.value[a]) ? 0.0 : (actions.value[a] - low) / spread;
    const double score = q + actions.prior[a] * exploration / (1.0 + actions.visits[a]);
    if (score > best_score) {
      best = a;
      best_score = score;
    }
  }
  return best;
}

TEST_CASE("pUCT in lanes chooses what it chooses one action at a time") {
  std::mt19937 random(1);
  const auto number = [&](int most) { return static_cast<int>(random() % as_size(most + 1)); };
  for (int trial = 0; trial < 4000; ++trial) {
    TestTree owner({.num_simulations = 4}, 1 + trial % 13, 2);
    const Actions actions = owner.tree.actions(kRootNode);
    for (int a = 0; a < owner.shape.actions; ++a) {
      actions.prior[a] = number(3) == 0 ? kNotAllowed : static_cast<float>(number(4)) / 8.0f;
      if (number(2) == 0 || actions.prior[a] == kNotAllowed) continue;
      actions.visits[a] = 1 + number(3);
      actions.value[a] = number(4) - 2.0;  // few distinct values, to get ties
    }
    owner.tree.decision(kRootNode).value = number(2) - 1.0;
    const double exploration = number(8) / 2.0;
    if (*std::max_element(actions.prior, actions.prior + owner.shape.actions) < 0.0f) continue;
    if (exploration == 0.0) continue;  // -inf * 0 is not a score
    CHECK(select_action(owner.tree, kRootNode, exploration) ==
          naive_action(owner.tree, exploration));
  }
}

TEST_CASE("the first of equal actions and of equal outcomes wins, never their padding") {
  for (const int width : {1, 2, 3, 5, 7}) {
    TestTree owner({.num_simulations = 4}, width, width);
    CHECK(select_action(owner.tree, kRootNode, 1.0) == 0);
    const std::int32_t chance = owner.tree.add_chance(kRootNode, 0);
    float* const probability = owner.tree.outcomes(chance).probability;
    std::fill(probability, probability + width, 0.0f);
    CHECK(select_outcome(owner.tree, chance) == 0);
    probability[width - 1] = 1.0f;
    CHECK(select_outcome(owner.tree, chance) == width - 1);
  }
}

TEST_CASE("visits of outcomes follow their probabilities") {
  const std::vector<float> probability{0.5f, 0.25f, 0.2f, 0.05f, 0.0f};
  TestTree owner({.num_simulations = 4}, 2, 5);
  const std::int32_t chance = owner.tree.add_chance(kRootNode, 0);
  const Outcomes outcomes = owner.tree.outcomes(chance);
  std::copy(probability.begin(), probability.end(), outcomes.probability);
  for (int n = 1; n <= 400; ++n) {
    ++outcomes.traversals[select_outcome(owner.tree, chance)];
    for (int c = 0; c < 5; ++c) {  // each gets at least its share, rounded down
      CHECK(outcomes.traversals[c] >=
            static_cast<int>(std::floor(n * double{probability[as_size(c)]})));
    }
  }
  CHECK(outcomes.traversals[4] == 0);
}

TEST_CASE("the likeliest untried action comes first, one that is not allowed never") {
  TestTree owner({.num_simulations = 4}, 4, 2);
  const Actions actions = owner.tree.actions(kRootNode);
  const std::vector<float> prior{0.2f, 0.5f, kNotAllowed, 0.3f};
  std::copy(prior.begin(), prior.end(), actions.prior);
  for (const int expected : {1, 3, 0, -1}) {
    const int action = select_untried(owner.tree, kRootNode);
    CHECK(action == expected);
    if (action >= 0) actions.visits[action] = 1;
  }
}

TEST_CASE("exploration is pUCT's factor, up to one visit more than simulations") {
  const Params params{.num_simulations = 3, .pb_c_init = 1.25, .pb_c_base = 10.0};
  const std::vector<double> table = exploration_table(params);
  REQUIRE(table.size() == 5);
  for (std::size_t n = 0; n < table.size(); ++n) {
    const auto visits = static_cast<double>(n);
    CHECK(table[n] ==
          doctest::Approx(std::sqrt(visits) * (1.25 + std::log((visits + 11.0) / 10.0))));
  }
}

}  // namespace
}  // namespace muzero::search
