#include "networks/kernels.h"

#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "networks/floats.h"
#include "third_party/doctest/doctest.h"

namespace muzero::networks {
namespace {

// Rows of random numbers between -1 and 1, padded with zeros.
Floats random_rows(int rows, int width, std::mt19937& random) {
  std::uniform_real_distribution<float> number(-1.0f, 1.0f);
  Floats x = zeros(padded_area(rows, width));
  for (int r = 0; r < rows; ++r) {
    for (int i = 0; i < width; ++i) x[as_size(r * padded(width) + i)] = number(random);
  }
  return x;
}

TEST_CASE("the baseline runs everywhere, and no name is given twice") {
  std::set<std::string> names;
  for (const Kernels* kernels : runnable_kernels()) {
    names.insert(kernels->name);
    for (const Product& product : kernels->products) CHECK(kLaneBlock % product.panel == 0);
  }
  CHECK(names.count("baseline") == 1);
  CHECK(names.size() == runnable_kernels().size());
}

TEST_CASE("what has to be measured is no default") {
  CHECK(std::string(runnable_kernels().front()->name) != "sme");
}

TEST_CASE("LayerNorm gives mean zero and variance one, then gain and bias") {
  std::mt19937 random(2);
  for (const Kernels* kernels : runnable_kernels()) {
    for (const int width : {1, 7, 32, 33, 100}) {
      CAPTURE(kernels->name);
      CAPTURE(width);
      constexpr int kRows = 6;
      const Floats x = random_rows(kRows, width, random), gain = random_rows(1, width, random),
                   bias = random_rows(1, width, random), before = random_rows(kRows, width, random);
      const std::size_t size = padded_area(kRows, width);
      Floats plain = zeros(size), relu = zeros(size), added = uninitialized(size);
      std::copy_n(before.get(), size, added.get());
      const NormWeights norm{gain.get(), bias.get(), width};
      kernels->normalize(norm, x.get(), kRows, plain.get());
      kernels->normalize_relu(norm, x.get(), kRows, relu.get());
      kernels->normalize_add_relu(norm, x.get(), kRows, added.get());
      for (int r = 0; r < kRows; ++r) {
        const std::size_t row = as_size(r * padded(width));
        double mean = 0.0, variance = 0.0;
        for (std::size_t i = 0; i < as_size(width); ++i) mean += x[row + i] / double(width);
        for (std::size_t i = 0; i < as_size(width); ++i) {
          variance += (x[row + i] - mean) * (x[row + i] - mean) / width;
        }
        for (std::size_t i = 0; i < as_size(width); ++i) {
          const double expected =
              (x[row + i] - mean) / std::sqrt(variance + double{kLayerNormEpsilon}) * gain[i] +
              bias[i];
          CHECK(std::abs(plain[row + i] - expected) < 1e-5);
          CHECK(std::abs(relu[row + i] - std::max(expected, 0.0)) < 1e-5);
          CHECK(std::abs(added[row + i] - std::max(expected + before[row + i], 0.0)) < 1e-5);
        }
        for (std::size_t i = as_size(width); i < as_size(padded(width)); ++i) {
          CHECK(plain[row + i] == 0.0f);  // padding stays zero from layer to layer
        }
      }
    }
  }
}

TEST_CASE("a row's LayerNorm is the same, bit for bit, whatever rows are beside it") {
  std::mt19937 random(3);
  for (const Kernels* kernels : runnable_kernels()) {
    for (const int width : {7, 64, 100}) {
      constexpr int kRows = 7;
      const Floats x = random_rows(kRows, width, random), gain = random_rows(1, width, random),
                   bias = random_rows(1, width, random), before = random_rows(kRows, width, random);
      const std::size_t size = padded_area(kRows, width), one = padded_area(1, width);
      Floats together = uninitialized(size), alone = uninitialized(size);
      std::copy_n(before.get(), size, together.get());
      std::copy_n(before.get(), size, alone.get());
      const NormWeights norm{gain.get(), bias.get(), width};
      kernels->normalize_add_relu(norm, x.get(), kRows, together.get());
      for (std::size_t at = 0; at < size; at += one) {
        kernels->normalize_add_relu(norm, x.get() + at, 1, alone.get() + at);
      }
      CHECK(std::memcmp(together.get(), alone.get(), size * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("softmax and expectation leave the padding out, and bear large logits") {
  for (const Kernels* kernels : runnable_kernels()) {
    for (const int width : {1, 3, 33}) {
      for (const float scale : {1.0f, 1000.0f}) {
        CAPTURE(kernels->name);
        CAPTURE(width);
        const int stride = padded(width);
        Floats logits = uninitialized(as_size(stride)), centers = zeros(as_size(stride));
        std::fill_n(logits.get(), stride, kImpossibleLogit);
        double total = 0.0, weighted = 0.0;
        for (int i = 0; i < width; ++i) {
          logits[as_size(i)] = scale * static_cast<float>(std::sin(i));
          centers[as_size(i)] = static_cast<float>(i - 1);
        }
        const float top = *std::max_element(logits.get(), logits.get() + width);
        std::vector<double> weights;
        for (int i = 0; i < width; ++i) {
          weights.push_back(std::exp(double{logits[as_size(i)]} - top));
          total += weights.back();
          weighted += weights.back() * (i - 1);
        }
        float mean = 0.0f;
        kernels->expectation(logits.get(), centers.get(), 1, stride, &mean);
        CHECK(mean == doctest::Approx(weighted / total).epsilon(1e-5));
        kernels->softmax(logits.get(), 1, stride);
        for (int i = 0; i < width; ++i) {
          CHECK(std::abs(logits[as_size(i)] - weights[as_size(i)] / total) < 1e-6);
        }
        for (int i = width; i < stride; ++i) CHECK(logits[as_size(i)] == 0.0f);
      }
    }
  }
}

TEST_CASE("NaN stays NaN through a rectifier") {
  for (const Kernels* kernels : runnable_kernels()) {
    Floats x = zeros(kLaneBlock), y = zeros(kLaneBlock), ones = zeros(kLaneBlock);
    x[0] = std::nanf("");
    ones[0] = 1.0f;
    kernels->normalize_relu({ones.get(), ones.get(), 2}, x.get(), 1, y.get());
    CHECK(std::isnan(y[0]));
  }
}

}  // namespace
}  // namespace muzero::networks
