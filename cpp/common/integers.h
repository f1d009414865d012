// Integer arithmetic on sizes.
#pragma once

#include <cstddef>

namespace muzero {

// Converts a non-negative count to the standard library's size type.
constexpr std::size_t as_size(int n) { return static_cast<std::size_t>(n); }

template <typename T>
constexpr T divided_up(T total, T part) {
  return (total + part - 1) / part;
}

template <typename T>
constexpr T rounded_up(T n, T multiple) {
  return divided_up(n, multiple) * multiple;
}

}  // namespace muzero
