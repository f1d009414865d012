#include "networks/market.h"

#include <algorithm>
#include <cstddef>

#include "common/integers.h"
#include "networks/rows.h"

namespace muzero::networks {
namespace {

// Size of the worth of a position, in deviations of a bar's move.
constexpr float kWorthDeviations = 5.0f;
// Bars left of a session at which worth is half of what it was.
constexpr float kFadingBars = 10.0f;

}  // namespace

Head::Head(const Arithmetic& arithmetic, int width, int outputs, float padding)
    : width_(width),
      hidden_(arithmetic, width, width),
      output_(arithmetic.kernels, width, outputs, padding) {}

void Head::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  hidden_.add_parameters(name + ".hidden", parameters);
  output_.add_parameters(name + ".output", parameters);
}

void Head::operator()(const float* latent, int rows, Workspace& workspace, float* y) const {
  float* inner = workspace.inner.get();
  hidden_(latent, rows, inner);
  relu(padded_area(rows, width_), inner);
  output_(inner, rows, y);
}

MarketNetwork::MarketNetwork(const MarketSizes& sizes, const Arithmetic& arithmetic)
    : sizes_(sizes),
      kernels_(arithmetic.kernels),
      representation_(sizes.window, arithmetic),
      dynamics_input_(arithmetic, width(), sizes.outcomes),
      dynamics_output_(arithmetic, width(), width()),
      outcome_head_(arithmetic, width(), sizes.outcomes, kImpossibleLogit),
      move_head_(arithmetic, width(), sizes.outcomes),
      mean_(zeros(kSummary)),
      scale_(zeros(kSummary)),
      centers_(zeros(as_size(kSummary * sizes.clusters))) {
  representation_.add_parameters("representation_network", parameters_);
  dynamics_input_.add_parameters("dynamics_input", parameters_);
  dynamics_output_.add_parameters("dynamics_output", parameters_);
  outcome_head_.add_parameters("outcome_head", parameters_);
  move_head_.add_parameters("move_head", parameters_);
  if (sizes_.usual.empty()) {
    worth_head_.emplace(arithmetic, width(), sizes.positions)
        .add_parameters("worth_head", parameters_);
  } else {
    told_head_.emplace(arithmetic, width(), static_cast<int>(sizes_.usual.size()), sizes.positions)
        .add_parameters("worth_head", parameters_);
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

Workspace MarketNetwork::workspace(int rows) const {
  const int told = told_head_ ? ToldHead::most_logits(width()) : 0;
  return {rows, width(),
          std::max({representation_.inputs(), sizes_.outcomes, sizes_.positions, told})};
}

void MarketNetwork::successors(const float* latent, int rows, Workspace& workspace,
                               float* next) const {
  const int all = rows * sizes_.outcomes;
  const std::size_t count = padded_area(all, width());
  float* x = workspace.x.get();
  dynamics_input_.project(latent, rows, workspace.inner.get());
  dynamics_input_.spread_conditions(0, workspace.inner.get(), rows, x);
  relu(count, x);
  dynamics_output_(x, all, next);
  relu(count, next);
}

void MarketNetwork::outcome_probs(const float* latent, int rows, Workspace& workspace,
                                  float* probs) const {
  float* logits = workspace.logits.get();
  outcome_head_(latent, rows, workspace, logits);
  kernels_.softmax(logits, rows, padded(sizes_.outcomes));
  unpad_rows(logits, rows, sizes_.outcomes, probs);
}

void MarketNetwork::moves(const float* latent, int rows, Workspace& workspace, float* moves) const {
  move_head_(latent, rows, workspace, workspace.logits.get());
  scaled(workspace.logits.get(), move_pips_, rows, sizes_.outcomes, moves);
}

void MarketNetwork::worth(const float* latent, int rows, Told told, Workspace& workspace,
                          float* worth) const {
  float* found = workspace.logits.get();
  if (worth_head_) {
    (*worth_head_)(latent, rows, workspace, found);
  } else {
    if (told.first == nullptr) told = {sizes_.usual.data(), rows};
    (*told_head_)(latent, rows, told, workspace, found);
  }
  scaled(found, kWorthDeviations * move_pips_, rows, sizes_.positions, worth);
  if (sizes_.session_bars > 0) fade(told, rows, worth);
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

void MarketNetwork::scaled(const float* x, float scale, int rows, int outputs, float* to) {
  for (int r = 0; r < rows; ++r, x += padded(outputs)) {
    for (int i = 0; i < outputs; ++i) *to++ = scale * x[i];
  }
}

}  // namespace muzero::networks
