#include "networks/conditioned.h"

#include <cmath>
#include <vector>

#include "networks/rows.h"
#include "third_party/doctest/doctest.h"

namespace muzero::networks {
namespace {

TEST_CASE("every condition of a row is the product with its one-hot vector") {
  constexpr int kWidth = 35, kConditions = 4, kRows = 3, kFirst = 1;
  std::vector<float> weight, bias;
  for (int i = 0; i < kWidth * (kWidth + kConditions); ++i) {
    weight.push_back(static_cast<float>(i % 7 - 3));
  }
  for (int i = 0; i < kWidth; ++i) bias.push_back(static_cast<float>(i));
  for (const Kernels* kernels : runnable_kernels()) {
    ConditionedDense layer(*kernels, kWidth, kConditions);
    std::vector<Parameter> parameters;
    layer.add_parameters("layer", parameters);
    REQUIRE(parameters[0].shape == std::vector<int>{kWidth, kWidth + kConditions});
    parameters[0].load(weight.data());
    parameters[1].load(bias.data());
    const Floats x = zeros(padded_area(kRows, kWidth)), y = zeros(padded_area(kRows, kWidth));
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kWidth; ++i) {
        x[as_size(r * padded(kWidth) + i)] = static_cast<float>((r + i) % 5);
      }
    }
    constexpr int kShown = kConditions - kFirst;
    const Floats spread = zeros(padded_area(kRows * kShown, kWidth));
    layer.project(x.get(), kRows, y.get());
    layer.spread_conditions(kFirst, y.get(), kRows, spread.get());
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kShown; ++c) {
        for (int o = 0; o < kWidth; ++o) {
          const float* row = weight.data() + o * (kWidth + kConditions);
          float sum = bias[as_size(o)] + row[kWidth + kFirst + c];
          for (int i = 0; i < kWidth; ++i) sum += x[as_size(r * padded(kWidth) + i)] * row[i];
          CHECK(spread[as_size((r * kShown + c) * padded(kWidth) + o)] == sum);  // integers, exact
        }
      }
    }
  }
}

TEST_CASE("rows keep their values when padded and unpadded, and relu keeps NaN") {
  constexpr int kWidth = 3, kRows = 2, kStride = 5;
  const std::vector<float> x{1, 2, 3, 9, 9, 4, 5, 6, 9, 9};
  const Floats wide = uninitialized(padded_area(kRows, kWidth));
  pad_rows(x.data(), kStride, kRows, kWidth, wide.get());
  CHECK(wide[kWidth] == 0.0f);
  std::vector<float> back(kRows * kWidth);
  unpad_rows(wide.get(), kRows, kWidth, back.data());
  CHECK(back == std::vector<float>{1, 2, 3, 4, 5, 6});
  std::vector<float> y{-1.0f, 2.0f, NAN};
  relu(y.size(), y.data());
  CHECK(y[0] == 0.0f);
  CHECK(y[1] == 2.0f);
  CHECK(y[2] != y[2]);
}

}  // namespace
}  // namespace muzero::networks
