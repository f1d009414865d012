"""What a test may expect of the C++ core that is loaded."""

import pytest

from mlx_muzero import _core
from mlx_muzero.kernel_choice import kernels_here

independent_rows = pytest.mark.skipif(
    not _core.rows_are_independent(kernels_here().name),
    reason="this core's products (Accelerate, or another CBLAS) may depend on the rows beside them",
)
