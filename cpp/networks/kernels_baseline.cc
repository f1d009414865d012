// Kernels for the baseline of each architecture: NEON on arm64, SSE2 on x86-64.
#define MUZERO_TARGET
#define MUZERO_LANES 4
#if defined(__aarch64__)
#define MUZERO_PANEL_VECTORS 4
#define MUZERO_BLOCK_ROWS 6
#else
#define MUZERO_PANEL_VECTORS 2
#define MUZERO_BLOCK_ROWS 4
#endif
#include "networks/kernel_sets.h"
#include "networks/kernels_body.h"

namespace muzero::networks {
const Kernels kBaselineKernels = table("baseline");
}
