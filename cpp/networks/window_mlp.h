// Maps a window to a market's latent, as in mlx_muzero/networks/window_mlp.py.
#pragma once

#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/dense.h"
#include "networks/floats.h"
#include "networks/parameter.h"
#include "networks/workspace.h"

namespace muzero::networks {

struct WindowSizes {
  int features;              // F, the leading columns of a row that are read
  int window_bars;           // W
  std::vector<int> history;  // columns of which all bars are read
  int width;                 // D
};

// Norm, then two linear layers with ReLU over the newest row and the history columns of all bars.
class WindowMlp {
 public:
  WindowMlp(const WindowSizes& sizes, const Arithmetic& arithmetic);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);

  // Inputs of the first layer.
  int inputs() const { return inputs_; }
  // Observation [windows, W, columns] -> latent [windows, padded(D)]; uses workspace.logits, which
  // must be inputs() wide, and workspace.x.
  void operator()(const float* observation, int columns, int windows, Workspace& workspace,
                  float* latent) const;

 private:
  float normal(const float* row, int column) const;

  WindowSizes sizes_;
  int inputs_;
  Floats mean_;   // [F]
  Floats scale_;  // [F]
  Dense first_;
  Dense second_;
};

}  // namespace muzero::networks
