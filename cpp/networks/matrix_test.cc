#include "networks/matrix.h"

#include <vector>

#include "networks/floats.h"
#include "third_party/doctest/doctest.h"

namespace muzero::networks {
namespace {

TEST_CASE("packed weights multiply as the part of the matrix they were taken from") {
  constexpr int kIn = 3, kOut = 35, kStride = 5;  // the last two columns of a row are unused
  std::vector<float> weight;
  for (int i = 0; i < kOut * kStride; ++i) weight.push_back(static_cast<float>(i % 7 - 3));
  for (const Kernels* kernels : runnable_kernels()) {
    const Floats panels = zeros(packed_size(kIn, kOut)), bias = zeros(padded_area(1, kOut));
    bias[kOut - 1] = 100.0f;
    pack(*kernels, weight.data(), kStride, kIn, kOut, panels.get());
    const Floats x = zeros(padded_area(2, kIn)), y = zeros(padded_area(2, kOut));
    for (int k = 0; k < kIn; ++k) {
      x[as_size(k)] = static_cast<float>(k + 1);
      x[as_size(padded(kIn) + k)] = static_cast<float>(-k);
    }
    multiply(*kernels, {panels.get(), bias.get(), kIn, kOut}, x.get(), 2, y.get());
    for (int r = 0; r < 2; ++r) {
      for (int o = 0; o < kOut; ++o) {
        float sum = bias[as_size(o)];
        for (int k = 0; k < kIn; ++k) {
          sum += x[as_size(r * padded(kIn) + k)] * weight[as_size(o * kStride + k)];
        }
        CHECK(y[as_size(r * padded(kOut) + o)] == sum);  // integers, so exact
      }
    }
  }
}

}  // namespace
}  // namespace muzero::networks
