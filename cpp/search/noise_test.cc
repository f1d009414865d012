#include "search/noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

constexpr int kActions = 4;
constexpr std::array<std::uint8_t, kActions> kAllowed{1, 0, 1, 1};

std::array<float, kActions> noisy(std::uint64_t seed, double alpha, double fraction) {
  std::array<float, kActions> prior{0.5f, -1.0f, 0.3f, 0.2f};
  std::array<double, kActions> scratch{};
  add_root_noise(seed, alpha, fraction, kAllowed.data(), kActions, prior.data(), scratch.data());
  return prior;
}

TEST_CASE("the root prior stays a distribution over the allowed actions") {
  for (const double alpha : {1e-3, 0.3, 1.0, 50.0}) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const auto prior = noisy(seed, alpha, 0.5);
      CHECK(prior[1] == -1.0f);  // untouched
      CHECK(prior[0] + prior[2] + prior[3] == doctest::Approx(1.0));
      CHECK(std::min({prior[0], prior[2], prior[3]}) >= 0.0f);
    }
  }
}

TEST_CASE("a fraction of zero adds no noise; noise depends on the seed alone") {
  CHECK(noisy(3, 0.3, 0.0) == std::array<float, kActions>{0.5f, -1.0f, 0.3f, 0.2f});
  CHECK(noisy(3, 0.3, 0.5) == noisy(3, 0.3, 0.5));
  CHECK(noisy(3, 0.3, 0.5) != noisy(4, 0.3, 0.5));
}

TEST_CASE("Dirichlet noise has the mean and the variance of its concentration") {
  constexpr int kDraws = 20000;
  const double alpha = 0.8;
  double sum = 0.0, squares = 0.0;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const double share = noisy(seed, alpha, 1.0)[0];
    sum += share;
    squares += share * share;
  }
  const double mean = sum / kDraws;
  CHECK(mean == doctest::Approx(1.0 / 3.0).epsilon(0.02));
  // Dirichlet(alpha, alpha, alpha): (1/3)(2/3) / (3 alpha + 1)
  CHECK(squares / kDraws - mean * mean ==
        doctest::Approx(2.0 / 9.0 / (3.0 * alpha + 1.0)).epsilon(0.05));
}

TEST_CASE("standard Gumbel numbers have their mean, and each its own counter") {
  std::array<double, 20000> many{};
  draw_gumbel(1, static_cast<int>(many.size()), many.data());
  double sum = 0.0;
  for (const double x : many) sum += x;
  CHECK(sum / many.size() == doctest::Approx(0.5772156649).epsilon(0.05));  // Euler's constant
  std::array<double, 10> few{};
  draw_gumbel(1, static_cast<int>(few.size()), few.data());
  CHECK(std::equal(few.begin(), few.end(), many.begin()));
}

}  // namespace
}  // namespace muzero::search
