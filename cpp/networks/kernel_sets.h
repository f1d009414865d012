// The kernels of each instruction set; runnable_kernels() returns those this machine can run.
#pragma once

#include "networks/kernels.h"

namespace muzero::networks {

#if defined(__x86_64__)
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx2Kernels;
#endif
extern const Kernels kBaselineKernels;

}  // namespace muzero::networks
