#include "search/validate.h"

#include <limits>

#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

std::string refusal(const Params& params, int outcomes = 3, int threads = 1) {
  try {
    validate_params(params, outcomes, threads);
  } catch (const SearchError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("the defaults are in range") { CHECK(refusal({}) == ""); }

TEST_CASE("a constant out of range is named with its rule") {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal({.num_simulations = 0}) == "num_simulations must be at least 1");
  CHECK(refusal({.depth_limit = -1}) == "depth_limit must be at least 1");
  CHECK(refusal({.discount = 1.01}) == "discount must be in [0, 1]");
  CHECK(refusal({.discount = kNaN}) == "discount must be in [0, 1]");
  CHECK(refusal({.pb_c_init = -1.0}) == "pb_c_init must be finite and not negative");
  CHECK(refusal({.pb_c_init = 1e39}) == "pb_c_init must be finite and not negative");
  CHECK(refusal({.pb_c_base = 0.5}) == "pb_c_base must be finite and at least 1");
  CHECK(refusal({.root_dirichlet_alpha = 0.0}) ==
        "root_dirichlet_alpha must be finite and at least 0.001");
  CHECK(refusal({}, 0) == "num_outcomes must be at least 1");
  CHECK(refusal({}, 3, 1025) == "threads must be in 1 .. 1024");
}

TEST_CASE("the ends of a range belong to it") {
  for (const double end : {0.0, 1.0}) {
    CHECK(refusal({.discount = end, .root_exploration_fraction = end}) == "");
  }
  CHECK(refusal({.root_dirichlet_alpha = 1e-3}) == "");
  CHECK(refusal({}, 1, 1024) == "");
}

TEST_CASE("slots of one tree can be numbered") {
  constexpr int kMost = std::numeric_limits<int>::max();
  CHECK(refusal({.num_simulations = kMost - 1}, 1) == "");
  CHECK(refusal({.num_simulations = kMost / 2 + 1}, 2) ==
        "num_simulations * num_outcomes must be below 2^31 - 1");
}

TEST_CASE("an array's first bad number is found wherever it is") {
  std::vector<float> values(1000, 0.5f);
  const auto number = [](std::size_t i) { return "number " + std::to_string(i); };
  const auto bad_at = [&](std::size_t i, float value, Range range) {
    std::vector<float> spoiled = values;
    spoiled[i] = value;
    validate_array("reward", spoiled.data(), spoiled.size(), range, number);
  };
  validate_array("reward", values.data(), values.size(), Range::kNonNegative, number);
  for (const std::size_t i : {0, 499, 999}) {
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      CHECK_THROWS_WITH_AS(bad_at(i, value, Range::kFinite),
                           doctest::Contains(("reward of number " + std::to_string(i)).c_str()),
                           SearchError);
    }
    CHECK_THROWS_AS(bad_at(i, -1e-30f, Range::kNonNegative), SearchError);
    bad_at(i, -1e-30f, Range::kFinite);
  }
}

}  // namespace
}  // namespace muzero::search
