// A head that is told known inputs next to the latent, as ToldHead in
// mlx_muzero/networks/market_networks.py.
#pragma once

#include <string>
#include <vector>

#include "networks/arithmetic.h"
#include "networks/conditioned.h"
#include "networks/dense.h"
#include "networks/parameter.h"
#include "networks/workspace.h"

namespace muzero::networks {

// Known inputs [n, I] of which each holds for `each` rows in turn.
struct Told {
  const float* first = nullptr;  // nullptr: what is usual
  int each = 1;
};

// One more layer, where known inputs meet the market, than a Head has.
class ToldHead {
 public:
  ToldHead(const Arithmetic& arithmetic, int width, int known, int outputs);
  void add_parameters(const std::string& name, std::vector<Parameter>& parameters);
  // Most columns of workspace.logits that it needs.
  static int most_logits(int width) { return 2 * width; }
  // latent [rows, padded(D)] -> y [rows, padded(outputs)], which may be workspace.logits; uses
  // workspace.inner and workspace.logits.
  void operator()(const float* latent, int rows, const Told& told, Workspace& workspace,
                  float* y) const;

 private:
  int width_;
  int known_;
  ConditionedDense meeting_;
  Dense hidden_;
  Dense output_;
};

}  // namespace muzero::networks
