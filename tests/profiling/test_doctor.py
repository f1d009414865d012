"""The doctor: findings about this machine, and sentences about machines unlike it."""

import json
import os
import shutil
import sys
from dataclasses import asdict
from typing import get_args

import pytest

from mlx_muzero import blas
from mlx_muzero.config.choices import Precision
from mlx_muzero.profiling import doctor


def pretend(monkeypatch, *probes: doctor._Probe) -> None:
    answers = iter(probes)
    monkeypatch.setattr(doctor, "_probe", lambda code: next(answers))


def measured(gflops: float, **reasons: str) -> doctor._Probe:
    return doctor._Probe({"gflops": gflops} | asdict(blas.BlasInfo("OpenBLAS", **reasons)))


@pytest.fixture(scope="module")
def checks() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine()}


def test_every_check_is_made_once_and_goes_to_json(checks):
    assert list(checks) == [
        "machine", "python", "mlx_muzero", "kernels", "mlx", "blas", "search", "compiler", "duckdb",
        "coremltools", "coreai-core", "packages", "neural engine",
    ]  # fmt: skip
    for check in checks.values():
        assert check.status in ("ok", "warn", "unavailable", "fail")
        assert check.detail
        assert json.loads(json.dumps(check.as_dict()))["name"] == check.name


def test_what_needs_a_remedy_has_one(checks):
    for check in checks.values():
        assert check.status != "ok" or not check.remedy
        assert check.status not in ("warn", "fail") or check.remedy


def test_this_machine_runs_mlx(checks):
    assert checks["python"].status == "ok"
    assert checks["mlx"].status == "ok"
    assert checks["duckdb"].status == "ok"


def test_every_precision_has_its_kernels(checks):
    for precision in get_args(Precision):
        assert f"{precision} by " in checks["kernels"].detail


def test_kernels_are_told_with_their_reasons(monkeypatch):
    used = [
        {"name": "sme", "why": "1.60 times as fast", "by": "float32 by SME FMOPA"},
        {"name": "accelerate", "why": "the default", "by": "int8 by SDOT"},
    ]
    found = {"used": used, "others": ["baseline"], "left_out": False}
    pretend(monkeypatch, doctor._Probe(found))
    assert doctor.check_kernels().detail == (
        "sme (float32 by SME FMOPA), 1.60 times as fast; accelerate (int8 by SDOT), the default; "
        "also here: baseline"
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS uses Accelerate")
def test_the_blas_is_named_and_measured(checks):
    check = checks["blas"]
    assert "GFLOP/s on 64x256x256 float32" in check.detail
    if blas.find_shim() and blas.find_openblas():
        assert check.detail.startswith("OpenBLAS")
        assert "x MLX's own BLAS" in check.detail
    else:
        assert check.status == "warn"


@pytest.mark.skipif(sys.platform == "darwin", reason="about other systems")
def test_the_neural_engine_is_one_clear_line(checks):
    assert checks["neural engine"].status == "unavailable"
    assert checks["neural engine"].detail.startswith("only on macOS")


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", "died of signal 6"),
        ("raise RuntimeError('no device')", "RuntimeError: no device"),
        ("import sys; sys.exit(3)", "no message"),
    ],
)
def test_a_child_that_fails_says_why(code, failure):
    assert failure in doctor._probe(code).failure


def test_a_child_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor, "PROBE_TIMEOUT_S", 0.2)
    assert "no answer" in doctor._probe("import time; time.sleep(60)").failure


def test_a_core_that_does_not_load_is_a_failure(monkeypatch):
    pretend(monkeypatch, doctor._Probe({}, "ImportError: no symbol"))
    check = doctor.check_core()
    assert (check.status, check.remedy) == ("fail", "reinstall mlx-muzero")
    assert "ImportError: no symbol" in check.detail


def test_mlx_that_aborts_is_a_failure(monkeypatch):
    pretend(monkeypatch, doctor._Probe({}, "the process died of signal 6"))
    assert doctor.check_mlx().status == "fail"


@pytest.mark.parametrize(
    ("ours", "alone", "status"),
    [
        (measured(80.0), measured(4.0), "ok"),
        (measured(79.0), measured(4.0), "warn"),
        (measured(4.0, fallback_reason="the shim is missing"), measured(4.0), "warn"),
        (measured(80.0), doctor._Probe({}, "ImportError"), "warn"),
        (doctor._Probe({}, "ImportError"), measured(4.0), "fail"),
    ],
)
def test_the_blas_must_be_much_faster_than_the_reference(monkeypatch, ours, alone, status):
    monkeypatch.setattr(sys, "platform", "linux")
    pretend(monkeypatch, ours, alone)
    check = doctor.check_blas()
    assert check.status == status
    assert bool(check.remedy) == (status != "ok")


def test_kernels_that_openblas_was_told_are_named_with_the_reason(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    pretend(monkeypatch, measured(80.0, core_reason="OPENBLAS_CORETYPE=NEOVERSEN1"), measured(4.0))
    assert "float32 with OPENBLAS_CORETYPE=NEOVERSEN1, 20x" in doctor.check_blas().detail


def test_accelerate_is_not_compared(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    pretend(monkeypatch, doctor._Probe({"gflops": 900.0, "name": "Accelerate", "reason": ""}))
    assert doctor.check_blas().detail == "Accelerate: 900.0 GFLOP/s on 64x256x256 float32"


def test_a_mac_without_metal_is_warned(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    pretend(
        monkeypatch, doctor._Probe({"version": "0.32", "device": "Device(cpu, 0)", "metal": False})
    )
    assert doctor.check_mlx().status == "warn"


@pytest.mark.parametrize(
    ("chip", "release", "status"),
    [
        ("Apple M5 Max", "26.1", "warn"),
        ("Apple M5", "15.7", "warn"),
        ("Apple M5", "26.2", "ok"),
        ("Apple M10", "27.0", "ok"),
        ("Apple M4 Pro", "15.7", "ok"),
        ("arm64", "15.7", "ok"),
    ],
)
def test_an_m5_needs_a_macos_that_knows_its_accelerators(monkeypatch, chip, release, status):
    monkeypatch.setattr(doctor, "processor", lambda: chip)
    monkeypatch.setattr(doctor.platform, "mac_ver", lambda: (release, ("", "", ""), "arm64"))
    found = {"version": "0.32.4", "device": "Device(gpu, 0)", "metal": True}
    pretend(monkeypatch, doctor._Probe(found))
    check = doctor.check_mlx()
    assert check.status == status
    assert ("update to macOS 26.2" in check.remedy) == (status == "warn")
    assert (f"not {release}" in check.detail) == (status == "warn")


@pytest.mark.parametrize(("machine", "status"), [("arm64", "ok"), ("x86_64", "unavailable")])
def test_the_neural_engine_of_a_mac(monkeypatch, machine, status):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    monkeypatch.setattr(doctor.platform, "mac_ver", lambda: ("15.1", ("", "", ""), machine))
    assert doctor.check_neural_engine().status == status


def test_no_compiler_is_said(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    check = doctor.check_compiler()
    assert check.status == "unavailable"
    assert "more slowly" in check.detail


def test_a_folder_of_the_same_name_where_doctor_starts_is_not_asked(monkeypatch, tmp_path):
    (tmp_path / "mlx_muzero.py").write_text("raise ImportError('not this one')")
    monkeypatch.chdir(tmp_path)
    assert not doctor._probe("import mlx_muzero; print('{}')").failure


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ is installed")
def test_a_compiler_that_compiles_is_ok():
    assert doctor.check_compiler().status == "ok"


@pytest.mark.parametrize(
    ("stub", "said"),
    [
        ("#!/bin/sh\necho 'xcode-select: no developer tools were found' >&2\nexit 1\n", "no dev"),
        ("#!/bin/sh\nexit 3\n", "exit 3"),
        ("no program", "does not run"),
    ],
)
def test_a_stub_on_the_path_is_no_compiler(monkeypatch, tmp_path, stub, said):
    (tmp_path / "g++").write_text(stub)
    (tmp_path / "g++").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    check = doctor.check_compiler()
    assert check.status == "unavailable"
    assert said in check.detail
    assert "more slowly" in check.detail
    assert check.remedy


@pytest.mark.parametrize("status", ["fail", "unavailable"])
def test_missing_distributions(monkeypatch, status):
    monkeypatch.setattr(doctor, "_installed", lambda name: None)
    check = {"fail": doctor.check_duckdb, "unavailable": doctor.check_coremltools}[status]()
    assert check.status == status
    assert check.remedy.startswith("pip install")


def test_packages_have_versions_and_missing_extras_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "textual" else "1.2")
    check = doctor.check_packages()
    assert check.status == "unavailable"
    assert "numpy 1.2" in check.detail
    assert "not installed: textual (tui)" in check.detail
    assert check.remedy == "pip install 'mlx-muzero[tui]'"
    assert "pytest" not in check.detail, "what only developers need"
