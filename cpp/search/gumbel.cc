#include "search/gumbel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

#include "common/integers.h"
#include "search/masked_softmax.h"

namespace muzero::search {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();
// Replaces a probability of zero, so that logarithms and ratios are finite.
constexpr double kLeastPrior = std::numeric_limits<float>::min();

double prior_of(const Actions& actions, int a) {
  return std::max<double>(actions.prior[a], kLeastPrior);
}

// Mixed value of the node (the paper's appendix D): the network's value and the Q of the expanded
// actions, weighted by their priors. It completes the Q of the other actions.
double mixed_value(const Tree& tree, int node) {
  const Actions actions = tree.actions(node);
  double visits = 0.0, weight = 0.0, weighted = 0.0;
  for (int a = 0; a < tree.shape.actions; ++a) {
    if (actions.chance[a] < 0) continue;
    visits += actions.visits[a];
    weight += prior_of(actions, a);
    weighted += prior_of(actions, a) * actions.value[a];
  }
  const double raw_value = tree.decision(node).raw_value;
  if (weight == 0.0) return raw_value;
  return (raw_value + visits * (weighted / weight)) / (visits + 1.0);
}

// ln P(a) + sigma(a) of the allowed actions, in tree.scratch.
void improved_logits(const Tree& tree, int node, const std::uint8_t* allowed) {
  const Actions actions = tree.actions(node);
  const double mixed = mixed_value(tree, node);
  double low = -kLowest, high = kLowest, most = 0.0;
  for (int a = 0; a < tree.shape.actions; ++a) {
    if (!allowed[a]) continue;
    const bool expanded = actions.chance[a] >= 0;
    tree.scratch[a] = expanded ? actions.value[a] : mixed;
    low = std::min(low, tree.scratch[a]);
    high = std::max(high, tree.scratch[a]);
    if (expanded) most = std::max<double>(most, actions.visits[a]);
  }
  const double spread = std::max(high - low, kMinValueSpread);
  for (int a = 0; a < tree.shape.actions; ++a) {
    if (!allowed[a]) continue;
    const double stretched = (tree.scratch[a] - low) / spread;
    tree.scratch[a] =
        std::log(prior_of(actions, a)) + (kVisitOffset + most) * kValueScale * stretched;
  }
}

// The first of the eligible actions with the highest score; 0 if none is eligible.
template <typename Counts, typename Score>
int first_best(int actions, Counts counts, Score score_of) {
  int best = 0;
  double best_score = kLowest;
  for (int a = 0; a < actions; ++a) {
    if (!counts(a)) continue;
    const double score = score_of(a);
    if (score > best_score) {
      best = a;
      best_score = score;
    }
  }
  return best;
}

}  // namespace

std::vector<std::int32_t> considered_visits(int considered, int simulations) {
  std::vector<std::int32_t> sequence;
  if (considered == 1) {
    for (int visits = 0; visits < simulations; ++visits) sequence.push_back(visits);
    return sequence;
  }
  const auto halvings = static_cast<int>(std::bit_width(static_cast<unsigned>(considered - 1)));
  std::vector<std::int32_t> visits(as_size(considered), 0);
  const auto total = as_size(simulations);
  while (sequence.size() < total) {
    const auto rivals = static_cast<std::int64_t>(visits.size());
    const auto rounds = std::max<std::int64_t>(1, simulations / (halvings * rivals));
    for (std::int64_t round = 0; round < rounds && sequence.size() < total; ++round) {
      for (std::int32_t& count : visits) sequence.push_back(count++);
    }
    visits.resize(std::max<std::size_t>(2, visits.size() / 2));
  }
  sequence.resize(total);
  return sequence;
}

int select_gumbel_root(const Tree& tree, const std::uint8_t* allowed,
                       std::int32_t considered_visit) {
  improved_logits(tree, kRootNode, allowed);
  const Actions actions = tree.actions(kRootNode);
  return first_best(
      tree.shape.actions,
      [&](int a) { return allowed[a] && actions.visits[a] == considered_visit; },
      [&](int a) { return tree.gumbel[a] + tree.scratch[a]; });
}

int gumbel_winner(const Tree& tree, const std::uint8_t* allowed) {
  const std::int32_t* visits = tree.actions(kRootNode).visits;
  const std::int32_t most = *std::max_element(visits, visits + tree.shape.actions);
  return select_gumbel_root(tree, allowed, most);
}

int select_gumbel(const Tree& tree, int node, const std::uint8_t* allowed) {
  improved_policy(tree, node, allowed);
  const Actions actions = tree.actions(node);
  double total = 1.0;
  for (int a = 0; a < tree.shape.actions; ++a) total += actions.visits[a];
  return first_best(
      tree.shape.actions, [&](int a) { return allowed[a] != 0; },
      [&](int a) { return tree.scratch[a] - actions.visits[a] / total; });
}

void improved_policy(const Tree& tree, int node, const std::uint8_t* allowed) {
  improved_logits(tree, node, allowed);
  masked_softmax(allowed, tree.shape.actions, tree.scratch);
}

}  // namespace muzero::search
