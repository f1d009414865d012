// Products by the matrix unit, where the compiler knows SME (MUZERO_SME, which CMakeLists.txt
// defines).
#pragma once

#include "networks/kernels.h"

namespace muzero::networks {

// Floats in the longest streaming vector that the kernels take: 512 bits, Apple's.
inline constexpr int kSmeLongest = 16;

// Floats in a streaming vector of this processor. Only where it has SME.
int sme_lanes();

// `others` with products by the matrix unit.
Kernels with_sme(const Kernels& others);

}  // namespace muzero::networks
