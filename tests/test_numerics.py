"""What decides the last bits here: the words that a session records, and its replay compares."""

import sys

import pytest

from mlx_muzero import blas, machine, numerics
from mlx_muzero.kernel_choice import kernels_here


def test_it_names_whatever_rounds():
    found = numerics.numerics()
    assert list(found) == ["processor", "system", "blas", "native", "mlx", "numpy"]
    assert all(found.values())
    assert found["blas"] == blas.preload().name
    assert found["native"] == f"{kernels_here().name} kernels"
    assert numerics.numerics() == found


def test_other_kernels_are_other_numerics(monkeypatch):
    here = numerics.numerics()
    monkeypatch.setattr(blas, "_info", blas.BlasInfo("OpenBLAS 0.3.99 (ZEN)"))
    there = numerics.numerics()
    assert {name for name in here if here[name] != there[name]} == {"blas"}


@pytest.mark.parametrize("chip", ["Apple M2 Max", ""])
def test_a_mac_is_named_by_its_chip_and_release(monkeypatch, chip):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(machine, "_sysctl_text", lambda name: chip)
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(numerics.platform, "mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    found = numerics.numerics()
    assert (found["processor"], found["system"]) == (chip or "arm64", "macOS 15.1")


def test_a_precision_is_part_of_it():
    found = numerics.numerics("bfloat16")
    assert found["native"] == f"{numerics.numerics()['native']} in bfloat16"
