#include "networks/told_head.h"

#include <cstddef>

#include "networks/rows.h"

namespace muzero::networks {

ToldHead::ToldHead(const Arithmetic& arithmetic, int width, int known, int outputs)
    : width_(width),
      known_(known),
      meeting_(arithmetic, width, known, 2 * width),
      hidden_(arithmetic, 2 * width, width),
      output_(arithmetic.kernels, width, outputs) {}

void ToldHead::add_parameters(const std::string& name, std::vector<Parameter>& parameters) {
  meeting_.add_parameters(name + ".meeting", parameters);
  hidden_.add_parameters(name + ".hidden", parameters);
  output_.add_parameters(name + ".output", parameters);
}

void ToldHead::operator()(const float* latent, int rows, const Told& told, Workspace& workspace,
                          float* y) const {
  float* met = workspace.logits.get();
  meeting_.project(latent, rows, met);
  for (int r = 0; r < rows; ++r) {
    meeting_.add_inputs(told.first + std::ptrdiff_t{r / told.each} * known_,
                        met + std::ptrdiff_t{r} * padded(2 * width_));
  }
  relu(padded_area(rows, 2 * width_), met);
  float* inner = workspace.inner.get();
  hidden_(met, rows, inner);
  relu(padded_area(rows, width_), inner);
  output_(inner, rows, y);
}

}  // namespace muzero::networks
