#include "networks/market_member.h"

#include <algorithm>
#include <cstddef>

#include "networks/rows.h"

namespace muzero::networks {

MarketMember::MarketMember(const MarketSizes& sizes, const Arithmetic& arithmetic)
    : width_(sizes.window.width),
      outcomes_(sizes.outcomes),
      positions_(sizes.positions),
      representation_(sizes.window, arithmetic),
      dynamics_input_(arithmetic, width_, outcomes_),
      dynamics_output_(arithmetic, width_, width_),
      outcome_head_(arithmetic, width_, outcomes_),
      move_head_(arithmetic, width_, outcomes_) {
  if (sizes.usual.empty()) {
    worth_head_.emplace(arithmetic, width_, positions_);
  } else {
    told_head_.emplace(arithmetic, width_, static_cast<int>(sizes.usual.size()), positions_);
  }
}

void MarketMember::add_parameters(const std::string& prefix, std::vector<Parameter>& parameters) {
  representation_.add_parameters(prefix + "representation_network", parameters);
  dynamics_input_.add_parameters(prefix + "dynamics_input", parameters);
  dynamics_output_.add_parameters(prefix + "dynamics_output", parameters);
  outcome_head_.add_parameters(prefix + "outcome_head", parameters);
  move_head_.add_parameters(prefix + "move_head", parameters);
  if (worth_head_) worth_head_->add_parameters(prefix + "worth_head", parameters);
  if (told_head_) told_head_->add_parameters(prefix + "worth_head", parameters);
}

int MarketMember::most_logits() const {
  const int told = told_head_ ? ToldHead::most_logits(width_) : 0;
  return std::max({representation_.inputs(), outcomes_, positions_, told});
}

void MarketMember::successors(const float* latent, int rows, Workspace& workspace,
                              float* next) const {
  const int all = rows * outcomes_;
  const std::size_t count = padded_area(all, width_);
  float* x = workspace.x.get();
  dynamics_input_.project(latent, rows, workspace.inner.get());
  dynamics_input_.spread_conditions(0, workspace.inner.get(), rows, x);
  relu(count, x);
  dynamics_output_(x, all, next);
  relu(count, next);
}

const float* MarketMember::outcomes(const float* latent, int rows, Workspace& workspace) const {
  outcome_head_(latent, rows, workspace, workspace.logits.get());
  return workspace.logits.get();
}

const float* MarketMember::moves(const float* latent, int rows, Workspace& workspace) const {
  move_head_(latent, rows, workspace, workspace.logits.get());
  return workspace.logits.get();
}

const float* MarketMember::worth(const float* latent, int rows, const Told& told,
                                 Workspace& workspace) const {
  if (worth_head_) {
    (*worth_head_)(latent, rows, workspace, workspace.logits.get());
  } else {
    (*told_head_)(latent, rows, told, workspace, workspace.logits.get());
  }
  return workspace.logits.get();
}

}  // namespace muzero::networks
