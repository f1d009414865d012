"""Gives MLX a fast BLAS on Linux, loaded before MLX is imported (ADR 12).

MLX's Linux wheel contains netlib's reference BLAS, about 30 times slower than OpenBLAS at this
network's sizes. `preload` loads OpenBLAS from the scipy-openblas32 wheel, and a small shim over it
(``cpp/blas/openblas_shim.c``) into the global symbol scope, where MLX finds its cblas functions
first. OpenBLAS itself stays out of that scope, where NumPy's own OpenBLAS would find its functions.
On macOS MLX uses Accelerate, and nothing is done.
"""

import ctypes
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SHIM_NAME = "libmlx_muzero_blas.so"

# A second thread is 1.2-1.3x faster at 64-2048 rows on idle cores, but 2.8x slower in training on
# busy ones. It also changes the last bits: the count decides how a sum is split and which kernel
# runs. So always use one thread, whatever OPENBLAS_NUM_THREADS says.
DEFAULT_NUM_THREADS = 1


@dataclass(frozen=True)
class BlasInfo:
    """The BLAS that MLX uses: its `name`, and in `fallback_reason` why not OpenBLAS, if so."""

    name: str
    fallback_reason: str = ""


_info: BlasInfo | None = None
_openblas: ctypes.CDLL | None = None


def preload() -> BlasInfo:
    """Put OpenBLAS in front of MLX's own BLAS; later calls return the first result.

    Never raises: if something is missing MLX keeps its own BLAS, and the result says why.
    """
    global _info
    if _info is None:
        _info = BlasInfo("Accelerate") if sys.platform == "darwin" else _preload_openblas()
    return _info


def _preload_openblas() -> BlasInfo:
    global _openblas
    if "mlx.core" in sys.modules:
        reason = "mlx.core was imported before mlx_muzero: import mlx_muzero first"
        warnings.warn(f"MLX keeps its slow BLAS: {reason}", RuntimeWarning, stacklevel=3)
        return _keep_own(reason)
    openblas_path, shim_path = find_openblas(), find_shim()
    if openblas_path is None:
        return _keep_own("the scipy-openblas32 package is not installed")
    if shim_path is None:
        return _keep_own(f"{SHIM_NAME} is not in the mlx_muzero package: reinstall mlx-muzero")
    try:
        openblas = ctypes.CDLL(str(openblas_path))
        shim = ctypes.CDLL(str(shim_path), mode=ctypes.RTLD_GLOBAL)
        shim.mlx_muzero_blas_use(
            openblas.scipy_cblas_sgemm, openblas.scipy_cblas_dgemm, openblas.scipy_cblas_cgemm
        )
        openblas.scipy_openblas_get_config.restype = ctypes.c_char_p
        openblas.scipy_openblas_get_corename.restype = ctypes.c_char_p
        release = " ".join(openblas.scipy_openblas_get_config().decode().split()[:2])
        kernels = openblas.scipy_openblas_get_corename().decode()
        openblas.scipy_openblas_set_num_threads(DEFAULT_NUM_THREADS)
    except (OSError, AttributeError) as error:
        return _keep_own(f"OpenBLAS did not load ({error}): reinstall mlx-muzero")
    _openblas = openblas
    return BlasInfo(f"{release} ({kernels})")


def _keep_own(reason: str) -> BlasInfo:
    return BlasInfo("MLX's own reference BLAS", reason)


def find_openblas() -> Path | None:
    """Path of the library in the scipy-openblas32 wheel, found without importing the wheel."""
    wheel = find_spec("scipy_openblas32")
    folders = (wheel.submodule_search_locations or []) if wheel else []
    libraries = (path for f in folders for path in Path(f, "lib").glob("libscipy_openblas*.so"))
    return next(libraries, None)


def find_shim() -> Path | None:
    """Path of the shim library in the installed package."""
    return next((path for path in _shim_candidates() if path.is_file()), None)


def _shim_candidates() -> Iterator[Path]:
    # An editable install has this file in the source tree and built libraries elsewhere: look along
    # the package's search path, and next to the extension module.
    yield Path(__file__).with_name(SHIM_NAME)
    for folder in sys.modules[__package__].__path__:
        yield Path(folder) / SHIM_NAME
    core = find_spec(f"{__package__}._core")
    if core is not None and core.origin is not None:
        yield Path(core.origin).with_name(SHIM_NAME)


def limit_numpy_threads() -> None:
    """Limit NumPy's own OpenBLAS to one thread too; no effect if NumPy has none.

    On a busy machine its threads wait for each other much longer than they compute.
    """
    numpy = find_spec("numpy")
    folders = (numpy.submodule_search_locations or []) if numpy else []
    for folder in folders:
        for library in Path(folder).parent.glob("numpy.libs/libscipy_openblas64_*.so"):
            openblas = ctypes.CDLL(str(library))
            openblas.scipy_openblas_set_num_threads64_(DEFAULT_NUM_THREADS)


def num_threads() -> int | None:
    """Threads per OpenBLAS call; None if OpenBLAS is not in use."""
    return None if _openblas is None else int(_openblas.scipy_openblas_get_num_threads())


def set_num_threads(count: int) -> None:
    """Set the threads per OpenBLAS call; no effect if OpenBLAS is not in use.

    The last bits of a product may depend on the count, so only measurements change it from
    `DEFAULT_NUM_THREADS`.

    Raises:
        ValueError: `count` is less than 1.
    """
    if count < 1:
        raise ValueError(f"a BLAS call needs at least 1 thread, not {count}")
    if _openblas is not None:
        _openblas.scipy_openblas_set_num_threads(count)
