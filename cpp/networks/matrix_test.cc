#include "networks/matrix.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "networks/floats.h"
#include "networks/kernel_sets.h"
#include "third_party/doctest/doctest.h"

namespace muzero::networks {
namespace {

constexpr Precision kAll[] = {Precision::kFloat32, Precision::kBFloat16, Precision::kFloat16,
                              Precision::kInt8};

// Worst error of a product of numbers between -1 and 1, for each input.
constexpr double kErrors[] = {1e-7, 0x1p-8, 0x1p-11, 1.2e-2};

struct Shape {
  int rows, in, out;
};

const std::vector<Shape> kShapes{{1, 1, 1},     {1, 5, 3},     {2, 33, 7},   {5, 64, 32},
                                 {7, 64, 33},   {13, 100, 65}, {40, 31, 96}, {12, 6, 31},
                                 {25, 259, 34}, {16, 256, 601}};

// One product and its operands; the padding of x holds what no product may read.
struct Operands {
  explicit Operands(const Shape& of, float smallest_exponent = 0.0f) : shape(of) {
    std::mt19937 random(static_cast<unsigned>(of.rows * 10007 + of.in * 101 + of.out));
    std::uniform_real_distribution<float> number(-1.0f, 1.0f), exponent(smallest_exponent, 0.0f);
    const auto draw = [&] { return number(random) * std::exp2(std::floor(exponent(random))); };
    x = uninitialized(padded_area(of.rows, of.in));
    std::fill_n(x.get(), padded_area(of.rows, of.in), std::nanf(""));
    bias = zeros(padded_area(1, of.out));
    for (int r = 0; r < of.rows; ++r) {
      for (int i = 0; i < of.in; ++i) input(r, i) = draw();
    }
    for (int i = 0; i < of.out; ++i) bias[as_size(i)] = draw();
    for (int i = 0; i < of.out * of.in; ++i) weight.push_back(draw());
  }

  float& input(int row, int i) const { return x[as_size(row * padded(shape.in) + i)]; }

  Floats multiplied(const Arithmetic& arithmetic, int first, int rows) const {
    Matrix matrix(arithmetic, shape.in, shape.out);
    matrix.load(weight.data(), shape.in);
    Floats y = zeros(padded_area(rows, shape.out));
    matrix.multiply(x.get() + std::ptrdiff_t{first} * padded(shape.in), bias.get(), rows, y.get());
    return y;
  }
  Floats multiplied(const Arithmetic& arithmetic) const {
    return multiplied(arithmetic, 0, shape.rows);
  }

  Shape shape;
  Floats x, bias;
  std::vector<float> weight;
};

bool same_bits(const Floats& a, const float* b, std::size_t count) {
  return std::memcmp(a.get(), b, count * sizeof(float)) == 0;
}

// Every set of kernels that this machine can run, and each without instructions of its own for a
// precision.
std::vector<Kernels> kernel_sets() {
  std::vector<Kernels> sets;
  for (const Kernels* kernels : runnable_kernels()) {
    sets.push_back(*kernels);
#if defined(__x86_64__)
    for (const Kernels* plain : {&kAvx512Kernels, &kAvx2Kernels}) {
      if (std::strcmp(plain->name, kernels->name) == 0) sets.push_back(*plain);
    }
#endif
  }
#if defined(__aarch64__)
  sets.push_back(kBaselineKernels);
#endif
  return sets;
}

TEST_CASE("packed weights multiply as the part of the matrix they were taken from") {
  constexpr int kIn = 3, kOut = 35, kStride = 5;  // the last two columns of a row are unused
  std::vector<float> weight;
  for (int i = 0; i < kOut * kStride; ++i) weight.push_back(static_cast<float>(i % 7 - 3));
  for (const Kernels* kernels : runnable_kernels()) {
    Matrix matrix(*kernels, kIn, kOut);
    const Floats bias = zeros(padded_area(1, kOut));
    bias[kOut - 1] = 100.0f;
    matrix.load(weight.data(), kStride);
    const Floats x = zeros(padded_area(2, kIn)), y = zeros(padded_area(2, kOut));
    for (int k = 0; k < kIn; ++k) {
      x[as_size(k)] = static_cast<float>(k + 1);
      x[as_size(padded(kIn) + k)] = static_cast<float>(-k);
    }
    matrix.multiply(x.get(), bias.get(), 2, y.get());
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

TEST_CASE("a product is one in every precision") {
  for (const Kernels& kernels : kernel_sets()) {
    for (const Precision precision : kAll) {
      for (const Shape& shape : kShapes) {
        const Arithmetic arithmetic(kernels, precision);
        CAPTURE(kernels.name);
        CAPTURE(arithmetic.product().instructions);
        const Operands operands(shape);
        const auto [rows, in, out] = shape;
        const Floats y = operands.multiplied(arithmetic);
        const double allowed = 1e-6 + in * kErrors[static_cast<int>(precision)];
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < out; ++o) {
            double sum = operands.bias[as_size(o)];
            for (int k = 0; k < in; ++k) {
              sum += double{operands.input(r, k)} * operands.weight[as_size(o * in + k)];
            }
            CHECK(std::abs(y[as_size(r * padded(out) + o)] - sum) < allowed);
          }
        }
      }
    }
  }
}

TEST_CASE("a row's product is the same whatever rows are beside it") {
  for (const Kernels& kernels : kernel_sets()) {
    if (!kernels.independent_rows) continue;
    for (const Precision precision : kAll) {
      for (const Shape& shape : kShapes) {
        const Operands operands(shape);
        const Floats together = operands.multiplied({kernels, precision});
        const int width = padded(shape.out);
        for (int r = 0; r < shape.rows; ++r) {
          const Floats alone = operands.multiplied({kernels, precision}, r, 1);
          CHECK(same_bits(alone, together.get() + std::ptrdiff_t{r} * width, as_size(width)));
        }
      }
    }
  }
}

// Numbers down to 2^-140, whose products have no float, and sums that cancel.
void make_adverse(Operands& operands) {
  const auto [rows, in, out] = operands.shape;
  for (int r = 0; r < rows; ++r) {
    for (int k = 1; k < in; k += 3) operands.input(r, k) = -operands.input(r, k - 1);
  }
  for (int o = 0; o < out; o += 2) {
    float* row = operands.weight.data() + std::ptrdiff_t{o} * in;
    for (int k = 1; k < in; k += 3) row[k] = row[k - 1] * (1.0f + 0x1p-7f);
  }
}

TEST_CASE("every machine that fuses multiply and add finds the same bits in every precision") {
  std::vector<Kernels> fusing = kernel_sets();
#if defined(__x86_64__)
  fusing.pop_back();  // the baseline, SSE2
#endif
  std::erase_if(fusing, [](const Kernels& kernels) { return !kernels.independent_rows; });
  if (fusing.empty()) return;
  for (const Precision precision : kAll) {
    for (const Shape& shape : kShapes) {
      for (const float smallest : {0.0f, -12.0f, -60.0f, -140.0f}) {
        Operands operands(shape, smallest);
        make_adverse(operands);
        const Floats first = operands.multiplied({fusing[0], precision});
        for (const Kernels& kernels : fusing) {
          CAPTURE(kernels.name);
          CAPTURE(kernels.product(precision).instructions);
          CAPTURE(smallest);
          const Floats other = operands.multiplied({kernels, precision});
          CHECK(same_bits(first, other.get(), padded_area(shape.rows, shape.out)));
        }
      }
    }
  }
}

TEST_CASE("bytes at their bounds do not saturate") {
  constexpr int kIn = 64, kOut = 2;
  for (const Kernels& kernels : kernel_sets()) {
    CAPTURE(kernels.name);
    Matrix matrix({kernels, Precision::kInt8}, kIn, kOut);
    std::vector<float> weight(kIn, 127.0f);
    weight.resize(kIn * kOut, -127.0f);
    matrix.load(weight.data(), kIn);
    const Floats x = zeros(padded(kIn)), y = zeros(padded(kOut)), bias = zeros(padded(kOut));
    std::fill_n(x.get(), kIn, 255.0f);
    matrix.multiply(x.get(), bias.get(), 1, y.get());
    CHECK(y[0] == doctest::Approx(255.0 * 127.0 * kIn));
    CHECK(y[1] == doctest::Approx(-255.0 * 127.0 * kIn));
  }
}

TEST_CASE("what is not finite is not hidden by any precision") {
  // The last one is no number by bits that a shorter format has not.
  const float odd[] = {std::nanf(""), std::numeric_limits<float>::infinity(),
                       std::bit_cast<float>(0x7f800001u)};
  for (const Kernels& kernels : kernel_sets()) {
    for (const Precision precision : kAll) {
      for (const float value : odd) {
        CAPTURE(kernels.name);
        CAPTURE(static_cast<int>(precision));
        Operands in_x({2, 40, 3}), in_w({2, 40, 3});
        in_x.input(1, 37) = value;
        in_w.weight[37] = value;
        const Floats from_x = in_x.multiplied({kernels, precision});
        const Floats from_w = in_w.multiplied({kernels, precision});
        CHECK(std::isfinite(from_x[0]));
        CHECK_FALSE(std::isfinite(from_x[as_size(padded(3))]));
        CHECK_FALSE(std::isfinite(from_w[0]));
        CHECK(std::isfinite(from_w[1]));
      }
    }
  }
}

TEST_CASE("a row of zeros multiplies to the bias, padding included") {
  for (const Kernels& kernels : kernel_sets()) {
    for (const Precision precision : kAll) {
      for (const int out : {3, 20, 40, 64}) {
        const Operands operands({1, 9, out});
        std::fill_n(operands.x.get(), 9, 0.0f);
        std::fill(operands.bias.get() + out, operands.bias.get() + padded(out), kImpossibleLogit);
        CHECK(same_bits(operands.multiplied({kernels, precision}), operands.bias.get(),
                        as_size(padded(out))));
      }
    }
  }
}

}  // namespace
}  // namespace muzero::networks
