// Single numbers to the formats of products; kernels_formats.h has the same for vectors.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "networks/kernels.h"

namespace muzero::networks {

// Bits of the nearest bfloat16, ties to even; zero below kSmallestBFloat16.
inline std::uint16_t bfloat16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return 0x7fc0;
  if (std::abs(x) < kSmallestBFloat16) return 0;
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

// Bits of the nearest float16, ties to even.
inline std::uint16_t float16_bits(float x) {
  constexpr std::uint32_t kInfinity = 0x7c00, kNotANumber = 0x7e00;
  constexpr float kTooLarge = 65520.0f, kSmallestNormal = 0x1p-14f, kSubnormals = 0x1p24f;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t size = bits & 0x7fffffffu;
  std::uint32_t half = ((size + 0xfffu + (size >> 13 & 1u)) >> 13) - (112u << 10);
  if (std::abs(x) < kSmallestNormal) {  // a multiple of 2^-24
    half = static_cast<std::uint32_t>(std::nearbyint(std::abs(x) * kSubnormals));
  }
  if (std::abs(x) >= kTooLarge) half = kInfinity;
  if (std::isnan(x)) half = kNotANumber;
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000u) | half);
}

}  // namespace muzero::networks
