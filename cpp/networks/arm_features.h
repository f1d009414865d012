// What this arm64 processor can do beyond its architecture's baseline.
#pragma once

#include <cstddef>
#include <functional>

namespace muzero::networks {

struct ArmFeatures {
  bool fhm = false;       // FMLAL: float16 products into float32 sums
  bool dot = false;       // SDOT: int8 products into int32 sums
  bool bfloat16 = false;  // BFMLAL: bfloat16 products into float32 sums
  bool sme = false;       // outer products into the matrix unit's array, in streaming mode

  bool operator==(const ArmFeatures&) const = default;
};

// As the system reports them. A system that does not know a feature has not got it, even where the
// processor has: it would not keep its registers.
ArmFeatures arm_features();

// Copies the value that a system knows by a name into at most `size` bytes at `to`, sets `size` to
// what it takes, and returns 0; or another number if there is none. As macOS' sysctlbyname().
using NamedValue = std::function<int(const char* name, void* to, std::size_t* size)>;

// What macOS tells by name.
ArmFeatures features_by_name(const NamedValue& read);

// What Linux tells by the bits of AT_HWCAP and AT_HWCAP2.
ArmFeatures features_by_bits(unsigned long hwcap, unsigned long hwcap2);

}  // namespace muzero::networks
