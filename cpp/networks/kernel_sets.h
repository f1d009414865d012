// The kernels of each instruction set, and products with instructions or libraries that only some
// of its machines have; runnable_kernels() returns what this machine can run.
#pragma once

#include "networks/kernels.h"

namespace muzero::networks {

#if defined(__x86_64__)
extern const Kernels kAvx512Kernels;
extern const Product kAvx512BFloat16;  // in place of kAvx512Kernels' own
extern const Product kAvx512Int8;
extern const Kernels kAvx2Kernels;
extern const Product kAvx2Int8;
#elif defined(__aarch64__)
extern const Product kNeonBFloat16;  // in place of kBaselineKernels' own
extern const Product kNeonFloat16;
extern const Product kNeonInt8;
#endif
extern const Kernels kBaselineKernels;
#if defined(MUZERO_CBLAS)
extern const Product kAccelerateFloat32;
#endif

}  // namespace muzero::networks
