#include "search/tree.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/integers.h"

namespace muzero::search {
namespace {

constexpr std::size_t whole_lines(std::size_t bytes) { return rounded_up(bytes, kCacheLine); }

// Bytes of all columns together.
constexpr std::size_t kActionBytes = sizeof(double) + sizeof(float) + 2 * sizeof(std::int32_t);
constexpr std::size_t kOutcomeBytes = 2 * sizeof(float) + 2 * sizeof(std::int32_t);

// Allocates consecutive arrays aligned to cache lines; with a null base it only measures.
class Layout {
 public:
  explicit Layout(std::byte* base) : base_(base) {}

  template <typename T>
  T* take(std::size_t count) {
    T* array = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + bytes_);
    bytes_ += whole_lines(count * sizeof(T));
    return array;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* base_;
  std::size_t bytes_ = 0;
};

// std::fill_n() would call memset() even for a few bytes.
template <typename T>
void fill(T* column, std::ptrdiff_t lanes, T value) {
  const T block[kLanes] = {value, value, value, value};
  for (std::ptrdiff_t i = 0; i < lanes; i += kLanes) std::memcpy(column + i, block, sizeof block);
}

// Layout of the block drawn in tree.h.
Tree lay_out(Layout& layout, const TreeShape& shape) {
  const auto actions = as_size(padded(shape.actions));
  const auto outcomes = as_size(padded(shape.outcomes));
  const auto leaves = as_size(shape.leaves);
  const std::size_t decision_bytes = whole_lines(sizeof(Decision) + actions * kActionBytes);
  const std::size_t chance_bytes = whole_lines(outcomes * kOutcomeBytes);
  Tree tree{};
  tree.shape = shape;
  tree.decision_bytes = static_cast<std::ptrdiff_t>(decision_bytes);
  tree.chance_bytes = static_cast<std::ptrdiff_t>(chance_bytes);
  tree.action_lanes = static_cast<std::ptrdiff_t>(actions);
  tree.outcome_lanes = static_cast<std::ptrdiff_t>(outcomes);
  tree.decisions = layout.take<std::byte>(as_size(shape.decisions) * decision_bytes);
  tree.chances = layout.take<std::byte>(as_size(shape.chances) * chance_bytes);
  tree.gumbel = layout.take<double>(actions);
  tree.scratch = layout.take<double>(actions);
  tree.path = layout.take<Step>(leaves * as_size(shape.steps));
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

std::int32_t Tree::add_decision(std::int32_t position, std::int32_t depth, float network_value) {
  const std::int32_t node = num_decisions++;
  decision(node) = {.value = network_value,
                    .raw_value = network_value,
                    .visits = 1,
                    .position = position,
                    .depth = depth};
  const Actions columns = actions(node);
  fill(columns.value, action_lanes, std::numeric_limits<double>::quiet_NaN());
  fill(columns.prior, action_lanes, kNotAllowed);
  columns.prior[0] = kUnknown;
  fill(columns.visits, action_lanes, 0);
  fill(columns.chance, action_lanes, -1);
  return node;
}

std::int32_t Tree::add_chance(std::int32_t node, std::int32_t action) {
  const std::int32_t chance = num_chances++;
  const Outcomes columns = outcomes(chance);
  fill(columns.probability, outcome_lanes, 0.0f);
  columns.probability[0] = kUnknown;
  fill(columns.reward, outcome_lanes, 0.0f);
  fill(columns.traversals, outcome_lanes, 0);
  fill(columns.child, outcome_lanes, -1);
  actions(node).chance[action] = chance;
  return chance;
}

// A node whose distribution was used has an edge to the node chosen.
Known Tree::known_priors() const {
  Known known;
  for (std::int32_t node = kRootNode + 1; node < num_decisions; ++node) {
    const std::int32_t* chance = actions(node).chance;
    known.nodes += knows_prior(node);
    known.used += std::any_of(chance, chance + shape.actions, [](auto i) { return i >= 0; });
  }
  return known;
}

Known Tree::known_probabilities() const {
  Known known;
  for (std::int32_t node = 0; node < num_chances; ++node) {
    const std::int32_t* child = outcomes(node).child;
    known.nodes += knows_probability(node);
    known.used += std::any_of(child, child + shape.outcomes, [](auto i) { return i >= 0; });
  }
  return known;
}

}  // namespace muzero::search
