#include "networks/rounding.h"

#include <cmath>
#include <limits>

#include "third_party/doctest/doctest.h"

namespace muzero::networks {
namespace {

float of_bfloat16(std::uint32_t bits) { return std::bit_cast<float>(bits << 16); }

// The value of a finite float16.
double of_float16(int bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size =
      exponent > 0 ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  return bits >> 15 != 0 ? -size : size;
}

TEST_CASE("bfloat16 is the nearest, and even where two are") {
  CHECK(bfloat16_bits(1.0f) == 0x3f80);
  CHECK(bfloat16_bits(-2.5f) == 0xc020);
  CHECK(bfloat16_bits(1.0f + 0x1p-8f) == 0x3f80);
  CHECK(bfloat16_bits(1.0f + 0x1.8p-7f) == 0x3f82);
  CHECK(bfloat16_bits(1.0f + 0x1.02p-8f) == 0x3f81);
  CHECK(bfloat16_bits(kSmallestBFloat16) == bfloat16_bits(kSmallestBFloat16 * 1.001f));
  CHECK(bfloat16_bits(kSmallestBFloat16 * 0.99f) == 0);
  CHECK(std::isnan(of_bfloat16(bfloat16_bits(std::nanf("")))));
  CHECK(of_bfloat16(bfloat16_bits(std::numeric_limits<float>::max())) ==
        std::numeric_limits<float>::infinity());
}

TEST_CASE("every float16 is itself, and numbers between two go to the nearer one") {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const double value = of_float16(bits), next = bits + 1 < 0x7c00 ? of_float16(bits + 1) : 65536;
    CHECK(float16_bits(static_cast<float>(value)) == bits);
    CHECK(float16_bits(static_cast<float>(-value)) == (bits | 0x8000));
    const double middle = (value + next) / 2;
    CHECK(float16_bits(static_cast<float>(middle)) == bits + bits % 2);
    CHECK(float16_bits(std::nextafter(static_cast<float>(middle), 0.0f)) == bits);
    CHECK(float16_bits(std::nextafter(static_cast<float>(middle), 1e6f)) == bits + 1);
  }
  CHECK(float16_bits(1e30f) == 0x7c00);
  CHECK(float16_bits(std::nanf("")) == 0x7e00);
}

}  // namespace
}  // namespace muzero::networks
