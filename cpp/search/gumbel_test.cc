#include "search/gumbel.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "search/test_tree.h"
#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

using Sequence = std::vector<std::int32_t>;

TEST_CASE("sequential halving gives the rivals equal visits, then halves them") {
  CHECK(considered_visits(1, 4) == Sequence{0, 1, 2, 3});
  CHECK(considered_visits(2, 6) == Sequence{0, 0, 1, 1, 2, 2});
  // Four actions with one visit each; then two, while there are simulations.
  CHECK(considered_visits(4, 8) == Sequence{0, 0, 0, 0, 1, 1, 2, 2});
  CHECK(considered_visits(4, 3) == Sequence{0, 0, 0});
}

TEST_CASE("a sequence has one entry for each simulation, and never skips a visit") {
  for (int considered = 1; considered <= 17; ++considered) {
    for (int simulations = 1; simulations <= 60; ++simulations) {
      const Sequence sequence = considered_visits(considered, simulations);
      CHECK(sequence.size() == as_size(simulations));
      std::map<std::int32_t, int> actions;  // by minimum visits
      for (const std::int32_t visits : sequence) {
        if (visits > 0) CHECK(actions[visits] < actions[visits - 1]);
        ++actions[visits];
      }
      CHECK(actions[0] <= considered);
    }
  }
}

TEST_CASE("the improved policy is a distribution over the allowed actions") {
  TestTree owner({.num_simulations = 4}, 3, 2);
  Tree& tree = owner.tree;
  const std::uint8_t allowed[] = {1, 0, 1};
  tree.actions(kRootNode).prior[1] = kNotAllowed;
  const auto policy = [&] {
    improved_policy(tree, kRootNode, allowed);
    return std::vector<double>(tree.scratch, tree.scratch + 3);
  };
  SUBCASE("of the priors where nothing is expanded") {
    CHECK(policy()[0] == doctest::Approx(0.5));
    CHECK(policy()[1] == 0.0);
    CHECK(policy()[2] == doctest::Approx(0.5));
  }
  SUBCASE("that leans to the better action") {
    for (const int action : {0, 2}) {
      tree.add_chance(kRootNode, action);
      tree.actions(kRootNode).visits[action] = 1;
      tree.actions(kRootNode).value[action] = action;
    }
    CHECK(policy()[2] > 0.9);
    CHECK(policy()[0] + policy()[2] == doctest::Approx(1.0));
  }
}

TEST_CASE("visits below the root follow the improved policy") {
  TestTree owner({.num_simulations = 4}, 3, 2);
  Tree& tree = owner.tree;
  const std::uint8_t allowed[] = {1, 1, 1};
  const Actions root = tree.actions(kRootNode);
  root.prior[0] = 0.6f;
  root.prior[1] = 0.3f;
  root.prior[2] = 0.1f;
  for (int n = 0; n < 100; ++n) ++root.visits[select_gumbel(tree, kRootNode, allowed)];
  CHECK(root.visits[0] == doctest::Approx(60).epsilon(0.05));
  CHECK(root.visits[1] == doctest::Approx(30).epsilon(0.05));
  CHECK(root.visits[2] == doctest::Approx(10).epsilon(0.15));
}

TEST_CASE("the root considers only actions with the visits it is told") {
  TestTree owner({.num_simulations = 4}, 3, 2);
  Tree& tree = owner.tree;
  const std::uint8_t allowed[] = {1, 1, 1};
  std::fill_n(tree.gumbel, 3, 0.0);
  tree.gumbel[2] = 5.0;
  CHECK(select_gumbel_root(tree, allowed, 0) == 2);
  tree.actions(kRootNode).visits[2] = 1;
  CHECK(select_gumbel_root(tree, allowed, 0) == 0);
  CHECK(gumbel_winner(tree, allowed) == 2);
}

}  // namespace
}  // namespace muzero::search
