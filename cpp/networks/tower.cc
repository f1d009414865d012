#include "networks/tower.h"

#include <cstddef>

namespace muzero::networks {

ResidualBlock::ResidualBlock(const Arithmetic& arithmetic, int width)
    : linear_1_(arithmetic, width, width),
      norm_1_(arithmetic.kernels, width),
      linear_2_(arithmetic, width, width),
      norm_2_(arithmetic.kernels, width) {}

void ResidualBlock::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  linear_1_.add_parameters(name + ".linear_1", parameters);
  norm_1_.add_parameters(name + ".norm_1", parameters);
  linear_2_.add_parameters(name + ".linear_2", parameters);
  norm_2_.add_parameters(name + ".norm_2", parameters);
}

void ResidualBlock::operator()(int rows, Workspace& workspace) const {
  float* x = workspace.x.get();
  float* inner = workspace.inner.get();
  float* outer = workspace.outer.get();
  linear_1_(x, rows, inner);
  norm_1_.apply_relu(inner, rows, inner);
  linear_2_(inner, rows, outer);
  norm_2_.add_relu(outer, rows, x);
}

ResidualTower::ResidualTower(const Arithmetic& arithmetic, int width, int blocks) {
  for (int i = 0; i < blocks; ++i) blocks_.emplace_back(arithmetic, width);
}

void ResidualTower::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].add_parameters(name + ".blocks." + std::to_string(i), parameters);
  }
}

void ResidualTower::operator()(int rows, Workspace& workspace) const {
  for (const ResidualBlock& block : blocks_) block(rows, workspace);
}

ConditionedTower::ConditionedTower(const Arithmetic& arithmetic, int width, int conditions,
                                   int blocks)
    : projection_(arithmetic, width, conditions), tower_(arithmetic, width, blocks) {}

void ConditionedTower::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  projection_.add_parameters(name + ".projection", parameters);
  tower_.add_parameters(name + ".tower", parameters);
}

}  // namespace muzero::networks
