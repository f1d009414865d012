#include "search/tree.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "search/test_tree.h"
#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

bool begins_a_line(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kCacheLine == 0; }

TEST_CASE("a tree has room for what its simulations can create") {
  SUBCASE("all outcomes: every successor of every simulation") {
    const TreeShape shape = TreeShape::of({.num_simulations = 7, .depth_limit = 3}, 4, 5);
    CHECK(shape.decisions == 1 + 7 * 5);
    CHECK(shape.chances == 7);
    CHECK(shape.steps == 3);
    CHECK(shape.leaves == 1);
  }
  SUBCASE("single outcome: one node of either kind") {
    const TreeShape shape =
        TreeShape::of({.num_simulations = 7, .expansion = Expansion::kSingleOutcome}, 4, 5);
    CHECK(shape.decisions == 1 + 7);
    CHECK(shape.chances == 7);
  }
  SUBCASE("no path is longer than there are simulations") {
    CHECK(TreeShape::of({.num_simulations = 2, .depth_limit = 100}, 4, 5).steps == 2);
  }
  SUBCASE("several leaves at once: the first step takes every root action") {
    CHECK(TreeShape::of({.num_simulations = 25, .leaves_per_step = 2}, 9, 3).leaves == 9);
    CHECK(TreeShape::of({.num_simulations = 25, .leaves_per_step = 12}, 9, 3).leaves == 12);
    CHECK(TreeShape::of({.num_simulations = 5, .leaves_per_step = 12}, 9, 3).leaves == 5);
  }
}

TEST_CASE("a new node is empty, its padding included") {
  for (const int width : {1, 3, 4, 5, 9}) {
    CAPTURE(width);
    TestTree owner({.num_simulations = 3}, width, width);
    Tree& tree = owner.tree;
    const std::int32_t node = tree.add_decision(6, 2, 0.25f);
    CHECK(tree.decision(node).value == 0.25);
    CHECK(tree.decision(node).raw_value == 0.25f);
    CHECK(tree.decision(node).visits == 1);
    CHECK(tree.decision(node).position == 6);
    CHECK(tree.decision(node).depth == 2);
    const Actions actions = tree.actions(node);
    for (int a = 0; a < padded(width); ++a) {
      CHECK(std::isnan(actions.value[a]));
      CHECK(std::isnan(actions.prior[a]) == (a == 0));
      CHECK((a == 0 || actions.prior[a] == kNotAllowed));
      CHECK(actions.visits[a] == 0);
      CHECK(actions.chance[a] == -1);
    }
    const std::int32_t chance = tree.add_chance(node, width - 1);
    CHECK(actions.chance[width - 1] == chance);
    const Outcomes outcomes = tree.outcomes(chance);
    for (int c = 0; c < padded(width); ++c) {
      CHECK(std::isnan(outcomes.probability[c]) == (c == 0));
      CHECK((c == 0 || outcomes.probability[c] == 0.0f));
      CHECK(outcomes.reward[c] == 0.0f);
      CHECK(outcomes.traversals[c] == 0);
      CHECK(outcomes.child[c] == -1);
    }
  }
}

TEST_CASE("every node begins on a cache line") {
  for (const int width : {1, 4, 5, 17}) {
    TestTree owner({.num_simulations = 4}, width, width);
    Tree& tree = owner.tree;
    while (tree.num_decisions < tree.shape.decisions) tree.add_decision(0, 1, 0.0f);
    while (tree.num_chances < tree.shape.chances) tree.add_chance(kRootNode, 0);
    for (int i = 0; i < tree.num_decisions; ++i) CHECK(begins_a_line(&tree.decision(i)));
    for (int i = 0; i < tree.num_chances; ++i) CHECK(begins_a_line(tree.outcomes(i).probability));
  }
}

// Writes marks to an array and checks them later.
struct Marked {
  std::byte* first;
  std::size_t bytes;
  std::byte mark;
};

TEST_CASE("the arrays of a full tree lie in its block and do not overlap") {
  for (const int width : {1, 3, 4, 5, 9}) {
    CAPTURE(width);
    const Params params{.num_simulations = 6, .depth_limit = 3, .leaves_per_step = 4};
    const TreeShape shape = TreeShape::of(params, width, width + 1);
    const std::size_t bytes = shape.block_bytes();
    CHECK(bytes % kCacheLine == 0);
    constexpr std::byte kUntouched{0xA5};
    const AlignedArray<std::byte> memory = allocate_aligned<std::byte>(bytes + 2 * kCacheLine);
    std::fill_n(memory.get(), bytes + 2 * kCacheLine, kUntouched);
    const Tree tree = Tree::in(memory.get() + kCacheLine, shape);

    std::vector<Marked> arrays;
    const auto add = [&](auto* first, int count) {
      const auto mark = static_cast<std::byte>(arrays.size() % 150 + 1);
      const std::size_t size = as_size(count) * sizeof *first;
      arrays.push_back({reinterpret_cast<std::byte*>(first), size, mark});
      std::memset(static_cast<void*>(first), static_cast<int>(mark), size);
    };
    for (int i = 0; i < shape.decisions; ++i) {
      add(&tree.decision(i), 1);
      const Actions actions = tree.actions(i);
      add(actions.value, padded(shape.actions));
      add(actions.prior, padded(shape.actions));
      add(actions.visits, padded(shape.actions));
      add(actions.chance, padded(shape.actions));
    }
    for (int i = 0; i < shape.chances; ++i) {
      const Outcomes outcomes = tree.outcomes(i);
      add(outcomes.probability, padded(shape.outcomes));
      add(outcomes.reward, padded(shape.outcomes));
      add(outcomes.traversals, padded(shape.outcomes));
      add(outcomes.child, padded(shape.outcomes));
    }
    add(tree.gumbel, shape.actions);
    add(tree.scratch, shape.actions);
    for (int i = 0; i < shape.leaves; ++i) add(tree.path_of(i), shape.steps);
    add(tree.leaf, shape.leaves);

    for (const Marked& array : arrays) {
      CHECK(std::count(array.first, array.first + array.bytes, array.mark) ==
            static_cast<std::ptrdiff_t>(array.bytes));
    }
    const std::byte* after = memory.get() + kCacheLine + bytes;
    CHECK(std::count(memory.get(), memory.get() + kCacheLine, kUntouched) == kCacheLine);
    CHECK(std::count(after, after + kCacheLine, kUntouched) == kCacheLine);
  }
}

}  // namespace
}  // namespace muzero::search
