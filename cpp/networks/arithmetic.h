// What a layer computes with: kernels, and the number format of its product.
#pragma once

#include "networks/kernels.h"

namespace muzero::networks {

struct Arithmetic {
  // Kernels alone stand for float32, which heads and whatever else decides keep.
  Arithmetic(const Kernels& with, Precision in = Precision::kFloat32)
      : kernels(with), precision(in) {}

  const Product& product() const { return kernels.product(precision); }

  const Kernels& kernels;
  Precision precision;
};

}  // namespace muzero::networks
