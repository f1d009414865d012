"""Which kernels OpenBLAS is told to use, on made-up processors, and the check of its products."""

import ctypes
import os
import sys
from types import SimpleNamespace

import pytest

from mlx_muzero import blas

SME = 1 << 23  # of AT_HWCAP2, as Linux documents it

needs_openblas = pytest.mark.skipif(
    sys.platform == "darwin" or blas.find_openblas() is None,
    reason="scipy-openblas32 is not installed",
)


@pytest.fixture
def machine(monkeypatch):
    """Makes this machine pass for another, whose second word of capabilities is given."""

    def make(architecture="aarch64", capabilities=SME, system="linux"):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=architecture))
        monkeypatch.setattr(
            blas, "_auxiliary_value", lambda kind: capabilities if kind == 26 else 0
        )

    return make


@pytest.fixture
def without_numpy(monkeypatch):
    monkeypatch.delitem(sys.modules, "numpy")


@pytest.mark.usefixtures("without_numpy")
def test_a_processor_with_sme_has_its_kernels_named(machine):
    machine()
    environment = {}
    assert "kernels for SME compute wrong products" in blas.name_core(environment)
    assert environment == {"OPENBLAS_CORETYPE": "NEOVERSEN1"}
    # A child that inherits the name knows as much.
    assert "OPENBLAS_CORETYPE=NEOVERSEN1" in blas.name_core(environment)


@pytest.mark.parametrize(
    "other",
    [
        {"capabilities": ~SME},
        {"architecture": "x86_64", "capabilities": ~0},
        {"system": "darwin", "architecture": "arm64"},
    ],
)
def test_other_machines_are_left_alone(machine, other):
    machine(**other)
    environment = {}
    assert blas.name_core(environment) == ""
    assert environment == {}


def test_what_a_user_named_stays(machine):
    machine()
    environment = {"OPENBLAS_CORETYPE": "armv9sme"}
    assert blas.name_core(environment) == ""
    assert environment == {"OPENBLAS_CORETYPE": "armv9sme"}
    assert "unset OPENBLAS_CORETYPE" in blas._remedy(environment)
    assert "set OPENBLAS_CORETYPE" in blas._remedy({})


def test_numpy_that_came_first_is_told(machine):
    machine()
    with pytest.warns(RuntimeWarning, match="import mlx_muzero first"):
        blas.name_core({})


@pytest.mark.skipif(sys.platform == "darwin", reason="asks Linux")
def test_this_machine_is_asked():
    assert blas._auxiliary_value(6) == os.sysconf("SC_PAGE_SIZE")  # AT_PAGESZ
    assert blas.has_sme() in (True, False)


@needs_openblas
def test_openblas_here_computes_right():
    assert blas.wrong_function(ctypes.CDLL(str(blas.find_openblas()))) == ""


def with_a_function(library, name, function) -> SimpleNamespace:
    functions = {
        each: getattr(library, each) for each in ("scipy_cblas_sgemm", "scipy_cblas_dgemm")
    }
    return SimpleNamespace(**functions | {name: function(functions[name])})


def empty(gemm):
    return lambda *arguments: None


def without_adding(gemm):
    """As if there were nothing to add to."""
    return lambda *arguments: gemm(*arguments[:11], 0, *arguments[12:])


def taken_as_stored(gemm):
    """As if neither factor were transposed."""
    return lambda *arguments: gemm(arguments[0], 111, 111, *arguments[3:])


@needs_openblas
@pytest.mark.parametrize("name", ["scipy_cblas_sgemm", "scipy_cblas_dgemm"])
@pytest.mark.parametrize("fault", [empty, without_adding, taken_as_stored])
def test_a_function_that_computes_wrong_is_found(name, fault):
    library = with_a_function(ctypes.CDLL(str(blas.find_openblas())), name, fault)
    assert blas.wrong_function(library) == name
