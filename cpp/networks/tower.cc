#include "networks/tower.h"

#include <cstddef>

#include "common/integers.h"

namespace muzero::networks {

ResidualBlock::ResidualBlock(const Kernels& kernels, int width)
    : linear_1_(kernels, width, width),
      norm_1_(kernels, width),
      linear_2_(kernels, width, width),
      norm_2_(kernels, width) {}

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

ResidualTower::ResidualTower(const Kernels& kernels, int width, int blocks) {
  for (int i = 0; i < blocks; ++i) blocks_.emplace_back(kernels, width);
}

void ResidualTower::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].add_parameters(name + ".blocks." + std::to_string(i), parameters);
  }
}

void ResidualTower::operator()(int rows, Workspace& workspace) const {
  for (const ResidualBlock& block : blocks_) block(rows, workspace);
}

ConditionedTower::ConditionedTower(const Kernels& kernels, int width, int conditions, int blocks)
    : width_(width),
      conditions_(conditions),
      projection_(kernels, width, width),
      columns_(zeros(as_size(conditions) * as_size(width))),
      tower_(kernels, width, blocks) {}

void ConditionedTower::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  parameters.push_back({name + ".projection.weight",
                        {width_, width_ + conditions_},
                        [this](const float* array) { load_projection(array); }});
  parameters.push_back({name + ".projection.bias", {width_}, [this](const float* array) {
                          projection_.load_bias(array);
                        }});
  tower_.add_parameters(name + ".tower", parameters);
}

void ConditionedTower::load_projection(const float* weight) {
  const int row_stride = width_ + conditions_;
  projection_.load_weight(weight, row_stride);
  for (int condition = 0; condition < conditions_; ++condition) {
    float* column = columns_.get() + std::ptrdiff_t{condition} * width_;
    for (int row = 0; row < width_; ++row) {
      column[row] = weight[std::ptrdiff_t{row} * row_stride + width_ + condition];
    }
  }
}

void ConditionedTower::add_condition(int condition, float* y) const {
  const float* column = columns_.get() + std::ptrdiff_t{condition} * width_;
  for (int i = 0; i < width_; ++i) y[i] += column[i];
}

}  // namespace muzero::networks
