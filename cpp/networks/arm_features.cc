#include "networks/arm_features.h"

#if defined(__aarch64__)
#if defined(__APPLE__)
#include <sys/sysctl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif

namespace muzero::networks {

#if defined(__APPLE__)
namespace {

// A bit of hw.optional.arm.caps, as Apple's <arm/cpu_capabilities_public.h> numbers them, and the
// entry of its own, which macOS has had for longer: caps came with macOS 15. Where one is not known
// or cannot be read, the other decides.
struct Feature {
  std::size_t bit;
  const char* entry;
};
constexpr Feature kFhm{2, "hw.optional.arm.FEAT_FHM"};
constexpr Feature kDot{3, "hw.optional.arm.FEAT_DotProd"};
constexpr Feature kBFloat16{24, "hw.optional.arm.FEAT_BF16"};
constexpr Feature kSme{40, "hw.optional.arm.FEAT_SME"};

bool has(const Feature& feature) {
  std::array<std::uint8_t, 64> caps{};
  std::size_t size = caps.size();
  if (sysctlbyname("hw.optional.arm.caps", caps.data(), &size, nullptr, 0) == 0 &&
      feature.bit / 8 < size && (caps[feature.bit / 8] >> feature.bit % 8 & 1) != 0) {
    return true;
  }
  std::int64_t value = 0;  // of four bytes or eight
  size = sizeof value;
  return sysctlbyname(feature.entry, &value, &size, nullptr, 0) == 0 && value != 0;
}

}  // namespace

ArmFeatures arm_features() { return {has(kFhm), has(kDot), has(kBFloat16), has(kSme)}; }

#elif defined(__linux__)

// Bits of the kernel's <asm/hwcap.h>, of which older C libraries lack the newer.
ArmFeatures arm_features() {
  constexpr unsigned long kDot = 1ul << 20, kFhm = 1ul << 23;       // AT_HWCAP
  constexpr unsigned long kBFloat16 = 1ul << 14, kSme = 1ul << 23;  // AT_HWCAP2
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  return {(first & kFhm) != 0, (first & kDot) != 0, (second & kBFloat16) != 0,
          (second & kSme) != 0};
}

#else

ArmFeatures arm_features() { return {}; }

#endif

}  // namespace muzero::networks
#endif
