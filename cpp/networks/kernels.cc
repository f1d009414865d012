#include "networks/kernels.h"

#include "networks/arm_features.h"
#include "networks/kernel_sets.h"
#include "networks/kernels_sme.h"

namespace muzero::networks {
namespace {

#if defined(__x86_64__) || defined(__aarch64__) || defined(MUZERO_CBLAS)
void replace(Kernels& kernels, Precision precision, const Product& product) {
  kernels.products[static_cast<int>(precision)] = product;
}
#endif

std::vector<Kernels> look() {
  std::vector<Kernels> found;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
    Kernels& kernels = found.emplace_back(kAvx512Kernels);
    if (__builtin_cpu_supports("avx512bf16")) {
      replace(kernels, Precision::kBFloat16, kAvx512BFloat16);
    }
    if (__builtin_cpu_supports("avx512vnni")) replace(kernels, Precision::kInt8, kAvx512Int8);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    Kernels& kernels = found.emplace_back(kAvx2Kernels);
    if (__builtin_cpu_supports("avxvnni")) replace(kernels, Precision::kInt8, kAvx2Int8);
  }
#endif
  found.push_back(kBaselineKernels);
#if defined(__aarch64__)
  const ArmFeatures features = arm_features();
  if (features.bfloat16) replace(found.back(), Precision::kBFloat16, kNeonBFloat16);
  if (features.fhm) replace(found.back(), Precision::kFloat16, kNeonFloat16);
  if (features.dot) replace(found.back(), Precision::kInt8, kNeonInt8);
#if defined(MUZERO_SME)
  if (features.sme && sme_lanes() <= kSmeLongest) found.push_back(with_sme(found.back()));
#endif
#endif
#if defined(MUZERO_CBLAS)
  Kernels accelerate = found.front();
  accelerate.name = "accelerate";
  accelerate.independent_rows = false;
  replace(accelerate, Precision::kFloat32, kAccelerateFloat32);
  found.insert(found.begin(), accelerate);
#endif
  return found;
}

}  // namespace

const std::vector<const Kernels*>& runnable_kernels() {
  static const std::vector<Kernels> found = look();
  static const std::vector<const Kernels*> named = [] {
    std::vector<const Kernels*> all;
    for (const Kernels& kernels : found) all.push_back(&kernels);
    return all;
  }();
  return named;
}

bool sme_is_left_out() {
#if defined(__aarch64__) && !defined(MUZERO_SME)
  return arm_features().sme;
#else
  return false;
#endif
}

}  // namespace muzero::networks
