// Counter-based random numbers, identified by keys; the same as in mlx_muzero/rng.py.
#pragma once

#include <cstdint>

namespace muzero::search {

// SplitMix64's output function (Steele, Lea, Flood 2014).
inline std::uint64_t mix(std::uint64_t x) {
  std::uint64_t z = x + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// The numbers `uniform(key(seed, counter))` of one seed, counter = 0, 1, 2, ...
class CounterRng {
 public:
  explicit CounterRng(std::uint64_t seed) : seed_(seed) {}

  // Uniform in [0, 1) with 53 random bits.
  double uniform() {
    const std::uint64_t key = mix(seed_ ^ mix(counter_++));
    return static_cast<double>(mix(key) >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

}  // namespace muzero::search
