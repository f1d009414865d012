#include "common/aligned.h"

#include <cstdint>
#include <vector>

#include "third_party/doctest/doctest.h"

namespace muzero {
namespace {

TEST_CASE_TEMPLATE("arrays begin on a cache line whatever their size", T, std::byte, float,
                   double) {
  std::vector<AlignedArray<T>> arrays;  // kept alive, so that they cannot reuse an address
  for (std::size_t count = 0; count < 40; ++count) {
    arrays.push_back(allocate_aligned<T>(count));
    CHECK(reinterpret_cast<std::uintptr_t>(arrays.back().get()) % kCacheLine == 0);
  }
}

}  // namespace
}  // namespace muzero
