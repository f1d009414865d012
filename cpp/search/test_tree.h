// A tree with its own memory, for unit tests.
#pragma once

#include <algorithm>
#include <vector>

#include "common/aligned.h"
#include "search/backup.h"
#include "search/tree.h"

namespace muzero::search {

// The position table has one position, 0, in which every action is legal.
struct TestTree {
  TestTree(const Params& with, int actions, int outcomes)
      : params(with),
        shape(TreeShape::of(with, actions, outcomes)),
        memory(allocate_aligned<std::byte>(shape.block_bytes())),
        tree(Tree::in(memory.get(), shape)),
        next(as_size(actions), 0),
        allowed(as_size(actions), 1) {
    tree.add_decision(0, 0, 0.0f);
    std::fill_n(tree.actions(kRootNode).prior, actions, 1.0f / static_cast<float>(actions));
  }

  PositionTable positions() const { return {next.data(), allowed.data()}; }

  Params params;
  TreeShape shape;
  AlignedArray<std::byte> memory;
  Tree tree;
  std::vector<std::int32_t> next;
  std::vector<std::uint8_t> allowed;
};

}  // namespace muzero::search
