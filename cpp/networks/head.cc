#include "networks/head.h"

#include "networks/rows.h"

namespace muzero::networks {

Head::Head(const Arithmetic& arithmetic, int width, int outputs)
    : width_(width),
      hidden_(arithmetic, width, width),
      output_(arithmetic.kernels, width, outputs) {}

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

}  // namespace muzero::networks
