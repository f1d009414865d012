#include "networks/kernels.h"

#include <cmath>
#include <cstring>
#include <random>
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

// Packs weight [out, in] according to the definition of Panels.
Floats packed(const float* weight, int in, int out, int panel) {
  Floats panels = zeros(padded_area(in, out));
  for (int row = 0; row < out; ++row) {
    float* columns = panels.get() + std::ptrdiff_t{row / panel} * in * panel;
    for (int k = 0; k < in; ++k) columns[k * panel + row % panel] = weight[row * in + k];
  }
  return panels;
}

bool same_bits(const float* a, const float* b, std::size_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

struct Product {
  int rows, in, out;
};

// One product and its operands.
struct Operands {
  explicit Operands(const Product& of) : product(of) {
    std::mt19937 random(static_cast<unsigned>(of.rows * 10007 + of.in * 101 + of.out));
    x = random_rows(of.rows, of.in, random);
    bias = random_rows(1, of.out, random);
    std::uniform_real_distribution<float> number(-1.0f, 1.0f);
    for (int i = 0; i < of.out * of.in; ++i) weight.push_back(number(random));
  }

  Floats multiplied(const Kernels& kernels, int first, int rows) const {
    const Floats panels = packed(weight.data(), product.in, product.out, kernels.panel);
    Floats y = zeros(padded_area(rows, product.out));
    kernels.multiply({panels.get(), bias.get(), product.in, product.out},
                     x.get() + std::ptrdiff_t{first} * padded(product.in), rows, y.get());
    return y;
  }

  Product product;
  Floats x, bias;
  std::vector<float> weight;
};

const std::vector<Product> kProducts{{1, 1, 1},   {1, 5, 3},     {2, 33, 7},  {5, 64, 32},
                                     {7, 64, 33}, {13, 100, 65}, {40, 31, 96}};

TEST_CASE("the baseline runs everywhere and comes last") {
  REQUIRE_FALSE(runnable_kernels().empty());
  CHECK(std::string(runnable_kernels().back()->name) == "baseline");
  for (const Kernels* kernels : runnable_kernels()) CHECK(kLaneBlock % kernels->panel == 0);
}

TEST_CASE("multiply is a matrix product") {
  for (const Kernels* kernels : runnable_kernels()) {
    for (const Product& product : kProducts) {
      CAPTURE(kernels->name);
      const Operands operands(product);
      const auto [rows, in, out] = product;
      const Floats y = operands.multiplied(*kernels, 0, rows);
      for (int r = 0; r < rows; ++r) {
        for (int o = 0; o < out; ++o) {
          double sum = operands.bias[as_size(o)];
          for (int k = 0; k < in; ++k) {
            sum += double{operands.x[as_size(r * padded(in) + k)]} *
                   operands.weight[as_size(o * in + k)];
          }
          CHECK(std::abs(y[as_size(r * padded(out) + o)] - sum) < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("a row's product is the same whatever rows are beside it") {
  for (const Kernels* kernels : runnable_kernels()) {
    for (const Product& product : kProducts) {
      const Operands operands(product);
      const Floats together = operands.multiplied(*kernels, 0, product.rows);
      const int width = padded(product.out);
      for (int r = 0; r < product.rows; ++r) {
        const Floats alone = operands.multiplied(*kernels, r, 1);
        CHECK(same_bits(alone.get(), together.get() + std::ptrdiff_t{r} * width, as_size(width)));
      }
    }
  }
}

#if defined(__x86_64__)
TEST_CASE("every width that fuses multiply and add gives the same bits") {
  std::vector<const Kernels*> fusing = runnable_kernels();
  fusing.pop_back();  // the baseline, SSE2
  for (std::size_t i = 1; i < fusing.size(); ++i) {
    for (const Product& product : kProducts) {
      const Operands operands(product);
      const Floats first = operands.multiplied(*fusing[0], 0, product.rows);
      const Floats other = operands.multiplied(*fusing[i], 0, product.rows);
      CHECK(same_bits(first.get(), other.get(), padded_area(product.rows, product.out)));
    }
  }
}
#endif

TEST_CASE("LayerNorm gives mean zero and variance one, then gain and bias") {
  std::mt19937 random(2);
  for (const Kernels* kernels : runnable_kernels()) {
    for (const int width : {1, 7, 32, 33, 100}) {
      CAPTURE(kernels->name);
      CAPTURE(width);
      constexpr int kRows = 3;
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
