#include "search/rng.h"

#include "third_party/doctest/doctest.h"

namespace muzero::search {
namespace {

TEST_CASE("mix is SplitMix64's output function") {
  // The first three numbers of the authors' splitmix64.c from state 0: the state grows by the
  // golden gamma, which mix() adds itself.
  constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15ULL;
  CHECK(mix(0) == 0xE220A8397B1DCDAFULL);
  CHECK(mix(kGamma) == 0x6E789E6AA1B965F4ULL);
  CHECK(mix(2 * kGamma) == 0x06C45D188009454FULL);
}

TEST_CASE("uniform numbers lie in [0, 1), fill it, and depend on the seed alone") {
  CounterRng rng(7), again(7), other(8);
  double sum = 0.0;
  int same = 0;
  for (int i = 0; i < 10000; ++i) {
    const double x = rng.uniform();
    CHECK(x >= 0.0);
    CHECK(x < 1.0);
    CHECK(x == again.uniform());
    same += x == other.uniform();
    sum += x;
  }
  CHECK(sum / 10000 == doctest::Approx(0.5).epsilon(0.02));
  CHECK(same == 0);
}

}  // namespace
}  // namespace muzero::search
