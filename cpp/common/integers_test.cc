#include "common/integers.h"

#include "third_party/doctest/doctest.h"

namespace muzero {
namespace {

TEST_CASE("divided_up gives the fewest parts that hold everything") {
  for (int total = 0; total <= 40; ++total) {
    for (int part = 1; part <= 9; ++part) {
      const int parts = divided_up(total, part);
      CHECK(parts * part >= total);
      CHECK((parts - 1) * part < total);
    }
  }
}

TEST_CASE("rounded_up gives the next multiple, and a multiple itself") {
  static_assert(rounded_up(0, 4) == 0);
  static_assert(rounded_up(1, 4) == 4);
  static_assert(rounded_up(4, 4) == 4);
  static_assert(rounded_up(as_size(65), as_size(64)) == 128);
}

}  // namespace
}  // namespace muzero
