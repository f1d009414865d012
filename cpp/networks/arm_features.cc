#include "networks/arm_features.h"

#include <array>
#include <cstdint>

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace muzero::networks {
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

bool has(const Feature& feature, const NamedValue& read) {
  std::array<std::uint8_t, 64> caps{};
  std::size_t size = caps.size();
  if (read("hw.optional.arm.caps", caps.data(), &size) == 0 && feature.bit / 8 < size &&
      (caps[feature.bit / 8] >> feature.bit % 8 & 1) != 0) {
    return true;
  }
  std::int64_t value = 0;  // of four bytes or eight
  size = sizeof value;
  return read(feature.entry, &value, &size) == 0 && value != 0;
}

}  // namespace

ArmFeatures features_by_name(const NamedValue& read) {
  return {has(kFhm, read), has(kDot, read), has(kBFloat16, read), has(kSme, read)};
}

// Bits of the kernel's <asm/hwcap.h>, of which older C libraries lack the newer.
ArmFeatures features_by_bits(unsigned long hwcap, unsigned long hwcap2) {
  constexpr unsigned long kDotBit = 1ul << 20, kFhmBit = 1ul << 23;
  constexpr unsigned long kBFloat16Bit = 1ul << 14, kSmeBit = 1ul << 23;
  return {(hwcap & kFhmBit) != 0, (hwcap & kDotBit) != 0, (hwcap2 & kBFloat16Bit) != 0,
          (hwcap2 & kSmeBit) != 0};
}

ArmFeatures arm_features() {
#if defined(__APPLE__)
  return features_by_name([](const char* name, void* to, std::size_t* size) {
    return sysctlbyname(name, to, size, nullptr, 0);
  });
#elif defined(__aarch64__) && defined(__linux__)
  return features_by_bits(getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
#else
  return {};
#endif
}

}  // namespace muzero::networks
