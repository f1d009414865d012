#include "search/tree.h"

#include <algorithm>

namespace muzero::search {
namespace {

constexpr std::size_t kCacheLine = 64;

// Hands out consecutive arrays; with a null base it only measures.
class Layout {
 public:
  explicit Layout(std::byte* base) : base_(base) {}

  template <typename T>
  T* take(std::size_t count) {
    T* array = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + bytes_);
    bytes_ += count * sizeof(T);
    return array;
  }

  std::size_t bytes() const { return (bytes_ + kCacheLine - 1) / kCacheLine * kCacheLine; }

 private:
  std::byte* base_;
  std::size_t bytes_ = 0;
};

// The one definition of the block drawn in tree.h; eight-byte arrays come first.
Tree lay_out(Layout& layout, const TreeShape& shape) {
  const auto n = static_cast<std::size_t>(shape.decisions);
  const auto na = n * static_cast<std::size_t>(shape.actions);
  const auto mc =
      static_cast<std::size_t>(shape.chances) * static_cast<std::size_t>(shape.outcomes);
  Tree tree{};
  tree.value = layout.take<double>(n);
  tree.edge_value = layout.take<double>(na);
  tree.gumbel = layout.take<double>(static_cast<std::size_t>(shape.actions));
  tree.scratch = layout.take<double>(static_cast<std::size_t>(shape.actions));
  tree.raw_value = layout.take<float>(n);
  tree.prior = layout.take<float>(na);
  tree.visits = layout.take<std::int32_t>(n);
  tree.position = layout.take<std::int32_t>(n);
  tree.depth = layout.take<std::int32_t>(n);
  tree.edge_visits = layout.take<std::int32_t>(na);
  tree.chance = layout.take<std::int32_t>(na);
  tree.outcome_prob = layout.take<float>(mc);
  tree.reward = layout.take<float>(mc);
  tree.traversals = layout.take<std::int32_t>(mc);
  tree.child = layout.take<std::int32_t>(mc);
  const auto leaves = static_cast<std::size_t>(shape.leaves);
  tree.path = layout.take<Step>(leaves * static_cast<std::size_t>(shape.steps));
  tree.leaf = layout.take<Leaf>(leaves);
  return tree;
}

}  // namespace

int first_step_leaves(const Params& params, int actions) {
  return params.leaves_per_step == 1 ? 1 : std::max(params.leaves_per_step, actions);
}

TreeShape TreeShape::of(const Params& params, int actions, int outcomes) {
  const int per_simulation = params.expansion == Expansion::kAllOutcomes ? outcomes : 1;
  return {.actions = actions,
          .outcomes = outcomes,
          .decisions = 1 + params.num_simulations * per_simulation,
          .chances = params.num_simulations,
          .steps = std::min(params.depth_limit, params.num_simulations),
          .leaves = std::min(first_step_leaves(params, actions), params.num_simulations)};
}

std::size_t TreeShape::block_bytes() const {
  Layout layout(nullptr);
  lay_out(layout, *this);
  return layout.bytes();
}

Tree Tree::in(std::byte* block, const TreeShape& shape) {
  Layout layout(block);
  return lay_out(layout, shape);
}

// Of all nodes at once: filling each one's few edges as it is added takes longer.
void Tree::clear(const TreeShape& shape) {
  num_decisions = num_chances = num_leaves = simulations = max_depth = 0;
  total_depth = 0;
  const auto actions = std::ptrdiff_t{shape.decisions} * shape.actions;
  std::fill_n(edge_visits, actions, 0);
  std::fill_n(chance, actions, -1);
  const auto outcomes = std::ptrdiff_t{shape.chances} * shape.outcomes;
  std::fill_n(traversals, outcomes, 0);
  std::fill_n(child, outcomes, -1);
}

std::int32_t Tree::add_decision(std::int32_t at_position, std::int32_t at_depth,
                                float network_value) {
  const std::int32_t node = num_decisions++;
  value[node] = network_value;
  raw_value[node] = network_value;
  visits[node] = 1;
  position[node] = at_position;
  depth[node] = at_depth;
  return node;
}

std::int32_t Tree::add_chance(const TreeShape& shape, std::int32_t node, std::int32_t action) {
  const std::int32_t created = num_chances++;
  chance[std::ptrdiff_t{node} * shape.actions + action] = created;
  return created;
}

}  // namespace muzero::search
