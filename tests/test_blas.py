"""The BLAS preload, each case in a fresh interpreter: loading is once per process."""

import os
import subprocess
import sys

import pytest

from mlx_muzero import blas

needs_openblas = pytest.mark.skipif(
    blas.find_shim() is None or blas.find_openblas() is None,
    reason="the shim or scipy-openblas32 is not installed",
)
linux_only = pytest.mark.skipif(sys.platform == "darwin", reason="macOS uses Accelerate")


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_preload_repeats_its_first_answer():
    assert blas.preload() is blas.preload()


@needs_openblas
@linux_only
@pytest.mark.parametrize("module", ["mlx.core", "mlx.nn", "mlx_muzero.networks.model"])
def test_openblas_is_loaded_with_mlx_before_it(module):
    code = (
        "import sys, mlx_muzero; print('ctypes' in sys.modules, end=' ');"
        f"import {module}; from mlx_muzero import blas; print(blas._info.name, end=' ');"
        "print(any('before_mlx' in str(finder) for finder in sys.meta_path))"
    )
    early, name, *_, waits = run(code).split()
    assert early == str(os.uname().machine == "aarch64")
    assert (name, waits) == ("OpenBLAS", "False")


def test_importing_the_package_imports_no_mlx():
    code = "import mlx_muzero, sys; print(any(name.split('.')[0] == 'mlx' for name in sys.modules))"
    assert run(code) == "False"


@linux_only
def test_mlx_imported_first_is_reported_and_still_works():
    code = (
        "import mlx.core as mx; from mlx_muzero import blas; info = blas.preload();"
        "print(info.fallback_reason); print((mx.ones((2, 3)) @ mx.ones((3, 2))).tolist());"
        "blas.set_num_threads(2); print(blas.num_threads())"
    )
    reason, product, threads = run(code).splitlines()
    assert "import mlx_muzero first" in reason
    assert product == "[[3.0, 3.0], [3.0, 3.0]]"
    assert threads == "None"


@linux_only
@pytest.mark.parametrize("missing", ["find_openblas", "find_shim"])
def test_a_missing_part_is_named(monkeypatch, missing):
    monkeypatch.setattr(blas, missing, lambda: None)
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    reason = blas._preload_openblas().fallback_reason
    assert ("scipy-openblas32" if missing == "find_openblas" else blas.SHIM_NAME) in reason


@linux_only
def test_a_damaged_shim_is_a_reason_not_a_crash(monkeypatch, tmp_path):
    damaged = tmp_path / blas.SHIM_NAME
    damaged.write_bytes(b"not a library")
    monkeypatch.setattr(blas, "find_shim", lambda: damaged)
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    info = blas._preload_openblas()
    assert info.fallback_reason


@needs_openblas
@linux_only
def test_wrong_products_leave_mlx_its_own_blas_with_a_warning(monkeypatch):
    monkeypatch.setattr(blas, "wrong_function", lambda openblas: "scipy_cblas_sgemm")
    monkeypatch.setenv(blas.CORE_VARIABLE, "ARMV9SME")
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    with pytest.warns(RuntimeWarning, match="unset OPENBLAS_CORETYPE.*ARMV9SME"):
        info = blas._preload_openblas()
    assert info.name == "MLX's own reference BLAS"
    assert "scipy_cblas_sgemm of OpenBLAS" in info.fallback_reason


def test_thread_count_must_be_positive():
    with pytest.raises(ValueError, match="at least 1"):
        blas.set_num_threads(0)


@pytest.mark.slow
@needs_openblas
@linux_only
def test_the_environment_does_not_change_a_bit():
    code = """
from mlx_muzero import blas
import hashlib, mlx.core as mx, numpy as np
info = blas.preload()
assert info.name.startswith("OpenBLAS"), info
rng = np.random.default_rng(0)
bits = hashlib.sha256()
for rows, inner, columns in [(1, 256, 4), (64, 256, 256), (193, 263, 256), (256, 2048, 48)]:
    a, b = (rng.normal(size=shape).astype("f4") for shape in [(rows, inner), (inner, columns)])
    product = np.array(mx.array(a) @ mx.array(b))
    np.testing.assert_allclose(product, a @ b, rtol=1e-4, atol=1e-4)
    bits.update(product.tobytes())
print(blas.num_threads(), bits.hexdigest())
"""
    told = {run(code, OPENBLAS_NUM_THREADS=count) for count in ("1", "2", "3")}
    assert len(told) == 1
    assert told.pop().startswith("1 ")


@needs_openblas
@linux_only
def test_nothing_of_openblas_is_lent_to_other_libraries():
    # NumPy's OpenBLAS has functions of the same names, made for tables of its own.
    code = """
import ctypes
from mlx_muzero import blas
assert blas.preload().name.startswith("OpenBLAS")
ours, everyone = ctypes.CDLL(str(blas.find_openblas())), ctypes.CDLL(None)
names = ("scipy_cblas_sgemm", "scipy_openblas_get_config", "dlaqz0_", "openblas_getaffinity")
assert all(hasattr(ours, name) for name in names)
print([name for name in names if hasattr(everyone, name)], hasattr(everyone, "cblas_sgemm"))
"""
    assert run(code) == "[] True"


@needs_openblas
@linux_only
def test_products_of_whole_numbers_are_exact_in_numpy_and_mlx():
    code = """
from mlx_muzero import blas
blas.preload()
import mlx.core as mx, numpy as np
rng = np.random.default_rng(0)
for rows, inner, columns in [(1, 7, 3), (13, 64, 17), (64, 256, 256), (193, 263, 65)]:
    a, b = (rng.integers(-3, 4, shape) for shape in [(rows, inner), (inner, columns)])
    exact = a @ b  # of integers, which no BLAS multiplies
    for kind in (np.float32, np.float64):
        left, right = a.astype(kind), b.astype(kind)
        np.testing.assert_array_equal(left @ right, exact)
        np.testing.assert_array_equal(left.T @ left, a.T @ a)
        np.testing.assert_array_equal(left @ left.T, a @ a.T)
    left, right = mx.array(a.astype(np.float32)), mx.array(b.astype(np.float32))
    # MLX hands on a factor as it lies in memory, transposed or not.
    lefts = (left, mx.contiguous(left.T).T)
    rights = (right, mx.contiguous(right.T).T)
    for left, right in ((left, right) for left in lefts for right in rights):
        np.testing.assert_array_equal(np.array(left @ right), exact)
        more = mx.addmm(mx.ones((rows, columns)), left, right)
        np.testing.assert_array_equal(np.array(more), exact + 1)
print("exact")
"""
    assert run(code) == "exact"


@needs_openblas
@linux_only
def test_the_count_can_be_set_for_a_measurement():
    code = """
from mlx_muzero import blas
blas.preload()
for threads in (1, 2, 3):
    blas.set_num_threads(threads)
    assert blas.num_threads() == threads
"""
    run(code)


@linux_only
def test_numpy_is_kept_to_one_thread():
    code = """
import ctypes, numpy
from mlx_muzero import blas
blas.limit_numpy_threads()
maps = open("/proc/self/maps").read().split()
paths = {word for word in maps if "libscipy_openblas64_" in word}
print([ctypes.CDLL(path).scipy_openblas_get_num_threads64_() for path in paths])
"""
    assert run(code) in ("[1]", "[]")
