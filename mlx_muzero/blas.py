"""Gives MLX a fast BLAS on Linux that computes right, loaded before MLX is imported (ADR 12).

MLX's Linux wheel contains netlib's reference BLAS, about 30 times slower than OpenBLAS at this
network's sizes. `preload` loads OpenBLAS from the scipy-openblas32 wheel, and a small shim over it
(``cpp/blas/openblas_shim.c``) into the global symbol scope, where MLX finds its cblas functions
first. OpenBLAS itself stays out of that scope, where NumPy's own OpenBLAS would find its functions.
On macOS MLX uses Accelerate, and nothing is done.

OpenBLAS chooses its kernels, those of one "core", when it is loaded. On a processor with SME the
wheels for arm64 Linux take the core ``ARMV9SME``, which computes wrong products and reports no
error. In scipy-openblas32 0.3.34 kernels are empty, and leave sums as they were
(``findings/openblas-sme.sh``); NumPy's own 0.3.31, under qemu, found NaN where a matrix met its
transpose. NEON's kernels are right, and every processor with SME has NEON.
"""

import ctypes
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, product
from operator import mul
from pathlib import Path

SHIM_NAME = "libmlx_muzero_blas.so"

# A second thread is 1.2-1.3x faster at 64-2048 rows on idle cores, but 2.8x slower in training on
# busy ones. It also changes the last bits: the count decides how a sum is split and which kernel
# runs. So always use one thread, whatever OPENBLAS_NUM_THREADS says.
DEFAULT_NUM_THREADS = 1

CORE_VARIABLE = "OPENBLAS_CORETYPE"
"""Environment variable that names the core to every OpenBLAS that is loaded from then on."""

RIGHT_CORE = "NEOVERSEN1"
"""The core to compute with on a processor with SME."""

_AT_HWCAP2 = 26
_HWCAP2_SME = 1 << 23
_ROW_MAJOR = 101
_AS_STORED, _TRANSPOSED = 111, 112
_SIZE = 16
"""Rows and columns of the check's matrices: smaller ones have kernels of their own."""


@dataclass(frozen=True)
class BlasInfo:
    """The BLAS that MLX uses.

    Attributes:
        name: with its release and kernels.
        fallback_reason: why it is not OpenBLAS, if so.
        core_reason: why OpenBLAS was told which kernels to use, if so.
    """

    name: str
    fallback_reason: str = ""
    core_reason: str = ""


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
    core_reason = name_core(os.environ)
    if "mlx.core" in sys.modules:
        return _keep_own(
            "mlx.core was imported before mlx_muzero: import mlx_muzero first", told=True
        )
    openblas_path, shim_path = find_openblas(), find_shim()
    if openblas_path is None:
        return _keep_own("the scipy-openblas32 package is not installed")
    if shim_path is None:
        return _keep_own(f"{SHIM_NAME} is not in the mlx_muzero package: reinstall mlx-muzero")
    try:
        openblas = ctypes.CDLL(str(openblas_path))
        openblas.scipy_openblas_set_num_threads(DEFAULT_NUM_THREADS)
        openblas.scipy_openblas_get_config.restype = ctypes.c_char_p
        openblas.scipy_openblas_get_corename.restype = ctypes.c_char_p
        release = " ".join(openblas.scipy_openblas_get_config().decode().split()[:2])
        name = f"{release} ({openblas.scipy_openblas_get_corename().decode()})"
        if wrong := wrong_function(openblas):
            remedy = _remedy(os.environ)
            return _keep_own(f"{wrong} of {name} computes wrong here: {remedy}", told=True)
        shim = ctypes.CDLL(str(shim_path), mode=ctypes.RTLD_GLOBAL)
        shim.mlx_muzero_blas_use(
            openblas.scipy_cblas_sgemm, openblas.scipy_cblas_dgemm, openblas.scipy_cblas_cgemm
        )
    except (OSError, AttributeError) as error:
        return _keep_own(f"OpenBLAS did not load ({error}): reinstall mlx-muzero")
    _openblas = openblas
    return BlasInfo(name, core_reason=core_reason)


def _keep_own(reason: str, told: bool = False) -> BlasInfo:
    """MLX's own BLAS and why; with a warning if `told`, for what a user can change in a line."""
    if told:
        warnings.warn(f"MLX keeps its slow BLAS: {reason}", RuntimeWarning, stacklevel=4)
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


def has_sme() -> bool:
    """Whether this is arm64 Linux on a processor with SME, as the kernel reports it."""
    if sys.platform != "linux" or os.uname().machine != "aarch64":
        return False
    return bool(_auxiliary_value(_AT_HWCAP2) & _HWCAP2_SME)


def _auxiliary_value(kind: int) -> int:
    getauxval = ctypes.CDLL(None).getauxval
    getauxval.argtypes, getauxval.restype = (ctypes.c_ulong,), ctypes.c_ulong
    return int(getauxval(kind))


def name_core(environment: MutableMapping[str, str]) -> str:
    """Name a core in `environment` where OpenBLAS would choose one that computes wrong.

    One that is named already stays. NumPy's OpenBLAS follows the name too, unless NumPy is loaded.

    Returns:
        Why `RIGHT_CORE` is named; empty if it is not needed, or another one is named.
    """
    if not has_sme():
        return ""
    if CORE_VARIABLE not in environment:
        environment[CORE_VARIABLE] = RIGHT_CORE
        if "numpy" in sys.modules:
            warnings.warn(
                "NumPy was imported before mlx_muzero, and its OpenBLAS may compute wrong products "
                f"here: import mlx_muzero first, or set {CORE_VARIABLE}={RIGHT_CORE}",
                RuntimeWarning,
                stacklevel=2,
            )
    if environment[CORE_VARIABLE].upper() != RIGHT_CORE:
        return ""
    return f"{CORE_VARIABLE}={RIGHT_CORE}, as OpenBLAS's kernels for SME compute wrong products"


def _remedy(environment: Mapping[str, str]) -> str:
    """What to do where `wrong_function` finds one."""
    if CORE_VARIABLE in environment:
        return f"unset {CORE_VARIABLE}, which names its kernels ({environment[CORE_VARIABLE]})"
    return f"set {CORE_VARIABLE} to kernels of an older processor ({RIGHT_CORE}, on x86-64 HASWELL)"


def wrong_function(openblas: ctypes.CDLL) -> str:
    """Multiply small matrices of whole numbers, in every form and precision that MLX asks for.

    Args:
        openblas: library of the scipy-openblas32 wheel; its integers have 32 bits.

    Returns:
        The function that does not find the exact products; empty if all do.
    """
    # Numbers above zero, whose sums have one representation: bytes can be compared.
    first, second = (
        [[(i * down + j * along) % 7 + 1 for j in range(_SIZE)] for i in range(_SIZE)]
        for down, along in ((3, 5), (2, 3))
    )
    exact = [sum(map(mul, row, column)) for row in first for column in _transposed(second)]
    for name, real in ("scipy_cblas_sgemm", ctypes.c_float), ("scipy_cblas_dgemm", ctypes.c_double):
        matrix = real * _SIZE**2
        gemm = _gemm(openblas, name, real)
        lefts, rights = (
            [(_AS_STORED, matrix(*chain(*rows))), (_TRANSPOSED, matrix(*chain(*_transposed(rows))))]
            for rows in (first, second)
        )
        ones = matrix(*(1,) * _SIZE**2)
        for beta in (0, 1):
            wanted = bytes(matrix(*(value + beta for value in exact)))
            for (left_form, left), (right_form, right) in product(lefts, rights):
                sums = matrix.from_buffer_copy(ones)
                gemm(
                    *(_ROW_MAJOR, left_form, right_form, _SIZE, _SIZE, _SIZE),
                    *(1, left, _SIZE, right, _SIZE, beta, sums, _SIZE),
                )
                if bytes(sums) != wanted:
                    return name
    return ""


def _transposed(rows: list[list[int]]) -> Iterator[tuple[int, ...]]:
    return zip(*rows, strict=True)


def _gemm(
    openblas: ctypes.CDLL, name: str, real: type[ctypes.c_float | ctypes.c_double]
) -> Callable[..., None]:
    """The function of cblas's interface, told the types of its arguments."""
    gemm = getattr(openblas, name)
    size, numbers = ctypes.c_int, ctypes.c_void_p
    gemm.argtypes = (
        *(size,) * 6,
        *(real, numbers, size, numbers, size),
        *(real, numbers, size),
    )
    gemm.restype = None
    return gemm


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
