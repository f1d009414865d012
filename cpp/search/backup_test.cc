#include "search/backup.h"

#include <vector>

#include "search/test_tree.h"
#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

using doctest::Approx;

TEST_CASE("a prior is normalised over the allowed actions") {
  const std::uint8_t allowed[] = {1, 0, 1};
  float prior[3];
  SUBCASE("by its weights") {
    const float weights[] = {1.0f, 100.0f, 3.0f};
    normalize_prior(weights, allowed, 3, prior);
    CHECK(prior[0] == 0.25f);
    CHECK(prior[1] == kNotAllowed);
    CHECK(prior[2] == 0.75f);
  }
  SUBCASE("evenly where they are all zero") {
    const float weights[] = {0.0f, 1.0f, 0.0f};
    normalize_prior(weights, allowed, 3, prior);
    CHECK(prior[0] == 0.5f);
    CHECK(prior[1] == kNotAllowed);
    CHECK(prior[2] == 0.5f);
  }
}

// Two actions and two outcomes; rewards 1 and 2, values of successors 10 and 20.
constexpr float kProbs[] = {0.25f, 0.75f};
constexpr float kRewards[] = {1.0f, 2.0f};
constexpr float kValues[] = {10.0f, 20.0f};
constexpr float kPriors[] = {0.5f, 0.5f, 0.9f, 0.1f};

TEST_CASE("all outcomes: an action is worth the mean of its outcomes") {
  TestTree owner({.num_simulations = 3, .discount = 0.5}, 2, 2);
  Tree& tree = owner.tree;
  tree.leaf[0] = {Leaf::Kind::kAction, kRootNode, 1, -1, 0, 0};
  expand(tree, owner.params, owner.positions(), 0, {kProbs, kRewards, kValues, kPriors});
  const double expected = 0.25 * (1.0 + 0.5 * 10.0) + 0.75 * (2.0 + 0.5 * 20.0);
  CHECK(tree.actions(kRootNode).value[1] == Approx(expected));
  CHECK(tree.actions(kRootNode).visits[1] == 1);
  CHECK(tree.decision(kRootNode).value == Approx(expected / 2));  // averaged with its own value, 0
  CHECK(tree.decision(kRootNode).visits == 2);
  CHECK(tree.num_decisions == 3);
  CHECK(tree.decision(2).value == 20.0);
  CHECK(tree.decision(2).depth == 1);
  CHECK(tree.actions(2).prior[0] == Approx(0.9));
  CHECK(tree.simulations == 1);
  CHECK(tree.max_depth == 1);
}

TEST_CASE("single outcome: the afterstate first, then what follows it") {
  TestTree owner({.num_simulations = 3, .discount = 0.5, .expansion = Expansion::kSingleOutcome}, 2,
                 2);
  Tree& tree = owner.tree;
  tree.leaf[0] = {Leaf::Kind::kAction, kRootNode, 1, -1, 0, 0};
  const float afterstate = 4.0f;
  expand(tree, owner.params, owner.positions(), 0, {kProbs, nullptr, &afterstate, nullptr});
  CHECK(tree.actions(kRootNode).value[1] == 4.0);  // neither reward nor discount
  CHECK(tree.num_decisions == 1);
  CHECK(tree.max_depth == 0);

  tree.path_of(0)[0] = {kRootNode, 1, 1};
  tree.leaf[0] = {Leaf::Kind::kOutcome, kRootNode, 1, 1, 1, 0};
  expand(tree, owner.params, owner.positions(), 0, {nullptr, &kRewards[1], &kValues[1], kPriors});
  CHECK(tree.actions(kRootNode).value[1] == Approx((4.0 + 2.0 + 0.5 * 20.0) / 2));
  CHECK(tree.actions(kRootNode).visits[1] == 2);
  CHECK(tree.outcomes(0).traversals[1] == 1);
  CHECK(tree.outcomes(0).child[1] == 1);
  CHECK(tree.simulations == 2);
  CHECK(tree.total_depth == 1);
}

TEST_CASE("a distribution that was left out is unknown until it is set, and used with an edge") {
  TestTree owner({.num_simulations = 3, .discount = 0.5, .expansion = Expansion::kSingleOutcome}, 2,
                 2);
  owner.allowed = {0, 1};
  Tree& tree = owner.tree;
  tree.leaf[0] = {Leaf::Kind::kAction, kRootNode, 1, -1, 0, 0};
  const float afterstate = 4.0f;
  expand(tree, owner.params, owner.positions(), 0, {nullptr, nullptr, &afterstate, nullptr});
  CHECK(tree.actions(kRootNode).value[1] == 4.0);
  CHECK_FALSE(tree.knows_probability(0));
  set_outcome_probs(tree, 0, kProbs);
  CHECK(tree.outcomes(0).probability[1] == 0.75f);
  CHECK(tree.known_probabilities().nodes == 1);
  CHECK(tree.known_probabilities().used == 0);

  tree.path_of(0)[0] = {kRootNode, 1, 1};
  tree.leaf[0] = {Leaf::Kind::kOutcome, kRootNode, 1, 1, 1, 0};
  expand(tree, owner.params, owner.positions(), 0, {nullptr, &kRewards[1], &kValues[1], nullptr});
  CHECK(tree.known_probabilities().used == 1);
  CHECK(tree.known_priors().nodes == 0);
  set_prior(tree, owner.positions(), 1, kPriors);
  CHECK(tree.actions(1).prior[0] == kNotAllowed);
  CHECK(tree.actions(1).prior[1] == 1.0f);
  CHECK(tree.known_priors().nodes == 1);
  CHECK(tree.known_priors().used == 0);
}

TEST_CASE("an illegal action leaves the position, a legal one moves it") {
  TestTree owner({.num_simulations = 3}, 2, 2);
  owner.next = {1, -1, 0, 0};  // for two positions
  owner.allowed = {1, 1, 0, 1};
  Tree& tree = owner.tree;
  for (const int action : {0, 1}) {
    tree.leaf[0] = {Leaf::Kind::kAction, kRootNode, action, -1, 0, 0};
    expand(tree, owner.params, owner.positions(), 0, {kProbs, kRewards, kValues, kPriors});
  }
  CHECK(tree.decision(1).position == 1);
  CHECK(tree.actions(1).prior[0] == kNotAllowed);
  CHECK(tree.decision(3).position == 0);
}

TEST_CASE("waiting leaves count as visited until they are taken back") {
  TestTree owner(
      {.num_simulations = 4, .expansion = Expansion::kSingleOutcome, .leaves_per_step = 2}, 2, 2);
  Tree& tree = owner.tree;
  const std::int32_t chance = tree.add_chance(kRootNode, 0);
  const std::int32_t child = tree.add_decision(0, 1, 0.0f);
  tree.outcomes(chance).child[1] = child;
  for (int i = 0; i < 2; ++i) tree.path_of(i)[0] = {kRootNode, 0, i == 0 ? 1 : 0};
  tree.leaf[0] = {Leaf::Kind::kAction, child, 1, -1, 1, 0};
  tree.leaf[1] = {Leaf::Kind::kOutcome, kRootNode, 0, 0, 1, 0};

  const auto counts = [&] {
    return std::vector<std::int32_t>{
        tree.decision(kRootNode).visits,     tree.actions(kRootNode).visits[0],
        tree.outcomes(chance).traversals[0], tree.outcomes(chance).traversals[1],
        tree.decision(child).visits,         tree.actions(child).visits[1]};
  };
  const std::vector<std::int32_t> before = counts();
  count_waiting(tree, 0, 1);
  CHECK(counts() == std::vector<std::int32_t>{2, 1, 0, 1, 2, 1});
  count_waiting(tree, 1, 1);
  CHECK(counts() == std::vector<std::int32_t>{3, 2, 1, 1, 2, 1});
  count_waiting(tree, 0, -1);
  count_waiting(tree, 1, -1);
  CHECK(counts() == before);
}

TEST_CASE("a simulation that may go no deeper counts the value it ends at once more") {
  TestTree owner({.num_simulations = 4, .discount = 1.0}, 2, 2);
  Tree& tree = owner.tree;
  tree.leaf[0] = {Leaf::Kind::kAction, kRootNode, 0, -1, 0, 0};
  expand(tree, owner.params, owner.positions(), 0, {kProbs, kRewards, kValues, kPriors});
  const double action_value = tree.actions(kRootNode).value[0];
  const Step path[] = {{kRootNode, 0, 1}};
  back_up_stopped(tree, owner.params, path, 2);
  CHECK(tree.decision(2).visits == 2);
  CHECK(tree.decision(2).value == 20.0);
  CHECK(tree.actions(kRootNode).visits[0] == 2);
  CHECK(tree.actions(kRootNode).value[0] == Approx(action_value));
  CHECK(tree.simulations == 2);
}

}  // namespace
}  // namespace muzero::search
