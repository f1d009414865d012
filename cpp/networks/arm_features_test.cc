#include "networks/arm_features.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "third_party/doctest/doctest.h"

namespace muzero::networks {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A system that knows these values by name.
NamedValue system_of(std::map<std::string, Bytes> values) {
  return [values = std::move(values)](const char* name, void* to, std::size_t* size) {
    const auto found = values.find(name);
    if (found == values.end() || found->second.size() > *size) return -1;
    std::memcpy(to, found->second.data(), found->second.size());
    *size = found->second.size();
    return 0;
  };
}

const Bytes kYes{1, 0, 0, 0}, kNo{0, 0, 0, 0};

// hw.optional.arm.caps with these bits.
Bytes caps(const std::vector<std::size_t>& bits, std::size_t bytes = 11) {
  Bytes all(bytes);
  for (const std::size_t bit : bits) {
    all[bit / 8] = static_cast<std::uint8_t>(all[bit / 8] | 1u << bit % 8);
  }
  return all;
}

TEST_CASE("a Mac tells its features in an entry each") {
  CHECK(features_by_name(system_of({})) == ArmFeatures{});
  CHECK(features_by_name(system_of({{"hw.optional.arm.FEAT_FHM", kYes},
                                    {"hw.optional.arm.FEAT_DotProd", kYes},
                                    {"hw.optional.arm.FEAT_BF16", kNo},
                                    {"hw.optional.arm.FEAT_SME", kNo}})) ==
        ArmFeatures{.fhm = true, .dot = true});
  CHECK(features_by_name(system_of({{"hw.optional.arm.FEAT_SME", kYes}})).sme);
  const Bytes wide{1, 0, 0, 0, 0, 0, 0, 0};
  CHECK(features_by_name(system_of({{"hw.optional.arm.FEAT_SME", wide}})).sme);
}

TEST_CASE("a Mac tells all its features in one entry") {
  const auto found = [](const Bytes& bits) {
    return features_by_name(system_of({{"hw.optional.arm.caps", bits}}));
  };
  CHECK(found(caps({})) == ArmFeatures{});
  CHECK(found(caps({2, 3, 24, 40})) == ArmFeatures{true, true, true, true});
  CHECK(found(caps({40})) == ArmFeatures{.sme = true});
  CHECK(found(caps({24}, 4)) == ArmFeatures{.bfloat16 = true});  // too short for SME
  CHECK(found(caps({39, 41})) == ArmFeatures{});
}

TEST_CASE("a Mac has a feature if either way of telling says so") {
  CHECK(features_by_name(
            system_of({{"hw.optional.arm.caps", caps({})}, {"hw.optional.arm.FEAT_SME", kYes}}))
            .sme);
  CHECK(features_by_name(
            system_of({{"hw.optional.arm.caps", caps({40})}, {"hw.optional.arm.FEAT_SME", kNo}}))
            .sme);
  // An entry that is longer than any known cannot be read.
  CHECK_FALSE(features_by_name(system_of({{"hw.optional.arm.caps", Bytes(65, 0xff)}})).sme);
}

TEST_CASE("Linux tells its features in two words") {
  CHECK(features_by_bits(0, 0) == ArmFeatures{});
  CHECK(features_by_bits(1ul << 23, 0) == ArmFeatures{.fhm = true});
  CHECK(features_by_bits(1ul << 20, 0) == ArmFeatures{.dot = true});
  CHECK(features_by_bits(0, 1ul << 14) == ArmFeatures{.bfloat16 = true});
  CHECK(features_by_bits(0, 1ul << 23) == ArmFeatures{.sme = true});
}

}  // namespace
}  // namespace muzero::networks
