"""What decides the last bits of a floating-point result in this process.

Another processor, or another version of a library, adds up in another order and rounds otherwise.
Results repeat bit for bit only where all of this is the same.
"""

import platform
import sys

from mlx_muzero import blas
from mlx_muzero.machine import processor


def numerics(precision: str = "float32") -> dict[str, str]:
    """Processor, libraries and kernels that compute here, by what they are.

    Args:
        precision: number format of the products of networks in C++; each gives the same bits
            with all kernels that fuse multiplication and addition.
    """
    from importlib.metadata import version

    import mlx.core as mx
    import numpy as np

    from mlx_muzero.kernel_choice import kernels_here

    # Features are logarithms and tangents of NumPy's, which has a kernel for each instruction set.
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
    suffix = "" if precision == "float32" else f" in {precision}"
    newest = ["none", *extensions.get("baseline", []), *extensions.get("found", [])][-1]
    return {
        "processor": processor(),
        "system": _system(),
        "blas": blas.preload().name,
        "native": f"{kernels_here(precision).name} kernels{suffix}",
        "mlx": f"{version('mlx')} on the {mx.default_device().type.name}",
        "numpy": f"{np.__version__} ({newest})",
    }


def _system() -> str:
    """The system as far as it computes: its C library, or the release Accelerate comes with."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return " ".join((platform.system(), *platform.libc_ver())).strip()
