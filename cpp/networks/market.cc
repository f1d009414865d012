#include "networks/market.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "common/integers.h"
#include "networks/rows.h"

namespace muzero::networks {
namespace {

// Size of the worth of a position, in deviations of a bar's move.
constexpr float kWorthDeviations = 5.0f;
// Bars left of a session at which worth is half of what it was.
constexpr float kFadingBars = 10.0f;

}  // namespace

MarketNetwork::MarketNetwork(const MarketSizes& sizes, const Arithmetic& arithmetic)
    : sizes_(sizes),
      kernels_(arithmetic.kernels),
      mean_(zeros(kSummary)),
      scale_(zeros(kSummary)),
      centers_(zeros(as_size(kSummary * sizes.clusters))) {
  for (int member = 0; member < sizes.members; ++member) {
    const std::string prefix = member ? "others." + std::to_string(member - 1) + "." : "";
    members_.emplace_back(sizes, arithmetic).add_parameters(prefix, parameters_);
  }
  parameters_.push_back(
      {"usual.move_pips", {1}, [this](const float* array) { move_pips_ = *array; }});
  const auto copy_to = [](float* to, int count) {
    return [to, count](const float* array) { std::copy_n(array, count, to); };
  };
  parameters_.push_back({"chain.mean", {kSummary}, copy_to(mean_.get(), kSummary)});
  parameters_.push_back({"chain.scale", {kSummary}, copy_to(scale_.get(), kSummary)});
  parameters_.push_back({"chain.centers",
                         {sizes_.clusters, kSummary},
                         copy_to(centers_.get(), kSummary * sizes_.clusters)});
}

std::size_t MarketNetwork::part_area(int rows) const {
  return padded_area(rows, sizes_.window.width);
}

Workspace MarketNetwork::workspace(int rows) const {
  return {rows, sizes_.window.width, members_.front().most_logits()};
}

void MarketNetwork::split_latents(const float* joined, int rows, float* latent) const {
  const int part = sizes_.window.width;
  for (int member = 0; member < sizes_.members; ++member) {
    pad_rows(joined + std::ptrdiff_t{member} * part, width(), rows, part, latent);
    latent += part_area(rows);
  }
}

void MarketNetwork::join_latents(const float* latent, int rows, float* joined) const {
  const int part = sizes_.window.width;
  for (int member = 0; member < sizes_.members; ++member, joined += part) {
    for (int r = 0; r < rows; ++r, latent += padded(part)) {
      std::copy_n(latent, part, joined + std::ptrdiff_t{r} * width());
    }
  }
}

void MarketNetwork::representation(const float* observation, int columns, int windows,
                                   Workspace& workspace, float* latent) const {
  for (const MarketMember& member : members_) {
    member.representation(observation, columns, windows, workspace, latent);
    latent += part_area(windows);
  }
}

void MarketNetwork::successors(const float* latent, int rows, Workspace& workspace,
                               float* next) const {
  for (const MarketMember& member : members_) {
    member.successors(latent, rows, workspace, next);
    latent += part_area(rows);
    next += part_area(rows * sizes_.outcomes);
  }
}

void MarketNetwork::outcome_probs(const float* latent, int rows, Workspace& workspace,
                                  float* probs) const {
  const int outcomes = sizes_.outcomes;
  mean(latent, rows, outcomes, 1.0f, probs, [&](const MarketMember& member, const float* part) {
    return member.outcomes(part, rows, workspace);
  });
  float* logits = workspace.logits.get();
  pad_rows(probs, outcomes, rows, outcomes, logits, kImpossibleLogit);
  kernels_.softmax(logits, rows, padded(outcomes));
  unpad_rows(logits, rows, outcomes, probs);
}

void MarketNetwork::moves(const float* latent, int rows, Workspace& workspace, float* moves) const {
  const auto say = [&](const MarketMember& member, const float* part) {
    return member.moves(part, rows, workspace);
  };
  mean(latent, rows, sizes_.outcomes, move_pips_, moves, say);
}

void MarketNetwork::worth(const float* latent, int rows, Told told, Workspace& workspace,
                          float* worth) const {
  if (told.first == nullptr) told = {sizes_.usual.data(), rows};
  const auto say = [&](const MarketMember& member, const float* part) {
    return member.worth(part, rows, told, workspace);
  };
  mean(latent, rows, sizes_.positions, kWorthDeviations * move_pips_, worth, say);
  if (sizes_.session_bars > 0) fade(told, rows, worth);
}

template <typename Say>
void MarketNetwork::mean(const float* latent, int rows, int outputs, float scale, float* to,
                         const Say& say) const {
  const float share = scale / static_cast<float>(sizes_.members);
  std::fill_n(to, std::ptrdiff_t{rows} * outputs, 0.0f);
  for (const MarketMember& member : members_) {
    const float* said = say(member, latent);
    float* sum = to;
    for (int r = 0; r < rows; ++r, said += padded(outputs), sum += outputs) {
      for (int i = 0; i < outputs; ++i) sum[i] += share * said[i];
    }
    latent += part_area(rows);
  }
}

void MarketNetwork::fade(const Told& told, int rows, float* worth) const {
  for (int r = 0; r < rows; ++r, worth += sizes_.positions) {
    const std::size_t row = as_size(r / told.each) * sizes_.usual.size();
    const float left = told.first[row] * static_cast<float>(sizes_.session_bars);
    const float share = left / (left + kFadingBars);
    for (int i = 0; i < sizes_.positions; ++i) worth[i] *= share;
  }
}

void MarketNetwork::clusters(const float* probs, const float* moves, const float* worth, int rows,
                             std::int32_t* cluster) const {
  const auto normal = [this](float value, std::size_t i) { return (value - mean_[i]) * scale_[i]; };
  for (int r = 0; r < rows; ++r) {
    float expected = 0.0f;
    for (int c = 0; c < sizes_.outcomes; ++c) expected += probs[c] * moves[c];
    const float summary[kSummary] = {normal(worth[sizes_.longest] - worth[0], 0),
                                     normal(worth[sizes_.shortest] - worth[0], 1),
                                     normal(expected, 2)};
    float nearest = 0.0f;
    const float* center = centers_.get();
    for (int g = 0; g < sizes_.clusters; ++g, center += kSummary) {
      // |x - c|^2 less |x|^2, which is the same for every cluster.
      float distance = 0.0f;
      for (int i = 0; i < kSummary; ++i) distance += center[i] * (center[i] - 2.0f * summary[i]);
      if (g == 0 || distance < nearest) {
        nearest = distance;
        cluster[r] = g;
      }
    }
    probs += sizes_.outcomes;
    moves += sizes_.outcomes;
    worth += sizes_.positions;
  }
}

}  // namespace muzero::networks
