// Stacks of residual blocks, as in mlx_muzero/networks/layers.py.
#pragma once

#include <string>
#include <vector>

#include "networks/conditioned.h"
#include "networks/dense.h"
#include "networks/layer_norm.h"
#include "networks/workspace.h"

namespace muzero::networks {

// x = relu(x + norm_2(linear_2(relu(norm_1(linear_1(x))))))
class ResidualBlock {
 public:
  ResidualBlock(const Arithmetic& arithmetic, int width);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  // Works on the first `rows` rows of workspace.x.
  void operator()(int rows, Workspace& workspace) const;

 private:
  Dense linear_1_;
  LayerNorm norm_1_;
  Dense linear_2_;
  LayerNorm norm_2_;
};

class ResidualTower {
 public:
  ResidualTower(const Arithmetic& arithmetic, int width, int blocks);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  // Works on the first `rows` rows of workspace.x.
  void operator()(int rows, Workspace& workspace) const;

 private:
  std::vector<ResidualBlock> blocks_;
};

// A linear projection of a latent with one-hot conditions, then a tower.
class ConditionedTower {
 public:
  ConditionedTower(const Arithmetic& arithmetic, int width, int conditions, int blocks);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);

  // The layer before the tower.
  const ConditionedDense& projection() const { return projection_; }
  void tower(int rows, Workspace& workspace) const { tower_(rows, workspace); }

 private:
  ConditionedDense projection_;
  ResidualTower tower_;
};

}  // namespace muzero::networks
