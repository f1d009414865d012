"""`doctor --mac`: every claim holds on a Mac that is made up, and each fault of it is found."""

import fcntl
import json
import os
from dataclasses import replace
from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest

from fake_core_ml import FakeMac
from folders import ROOT
from mlx_muzero import _core
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.profiling import ane_lab, doctor, mac_claims
from mlx_muzero.profiling import mac_core_ml_checks as programs
from mlx_muzero.profiling import mac_machine_checks as machine
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.energy import Energy
from mlx_muzero.profiling.mac_claims import CLAIMS, Result, settle

NAMES = [claim.name for claim in CLAIMS]


class CoreAi(FakeMac):
    """Core AI on a Mac, for which the programs of Core ML stand in."""

    format = "coreai"
    units = ("gpu", "neural_engine")


POWER = Energy("macmon", 1.0, 0.5, 2.0, 100.0, 8, system_w=9.0, idle_w=5.0)


@pytest.fixture
def mac(subject, exported, monkeypatch, tmp_path):
    """Settles the claims on a Mac that may have a fault; returns the results by name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(programs, "_ROWS", ExportOptions(batches=(2,)))
    monkeypatch.setattr(programs, "_JOINED", ExportOptions(batches=(2,), multifunction=True))
    monkeypatch.setattr(programs, "BACKEND", "coreml-sim")
    monkeypatch.setattr(ane_lab, "SAMPLES", 4)
    monkeypatch.setattr(Lab, "_export", lambda self, options: exported(options))
    monkeypatch.setattr(programs, "devices", lambda name: CoreAi())
    monkeypatch.setattr(
        programs, "export", lambda *given, export_format: given[4](exported(given[5]))
    )
    monkeypatch.setattr(machine, "GPU", mx.default_device().type)
    monkeypatch.setattr(machine, "KERNELS", tuple(_core.kernels()[:1] * 2))
    monkeypatch.setattr(machine, "performance_cores", lambda: 1)
    monkeypatch.setattr(machine, "_search_seconds", lambda lab, threads: 1.0 / threads)
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", fcntl.F_GETFD, raising=False)
    sampler = SimpleNamespace(command=("macmon", "pipe"))
    monkeypatch.setattr(machine, "find_sampler", lambda: sampler)
    monkeypatch.setattr(machine, "measure_energy", lambda *arguments: POWER)

    def run(*names, core_ml=None):
        CoreAi.lab = Lab(subject, tmp_path, None)
        chosen = tuple(claim for claim in CLAIMS if not names or claim.name in names)
        monkeypatch.setattr(mac_claims, "CLAIMS", chosen)
        core_ml = FakeMac() if core_ml is None else core_ml
        core_ml.lab = Lab(subject, tmp_path, core_ml)
        return {result.name: result for result in settle(core_ml.lab)}

    return run


@pytest.mark.slow
def test_every_claim_holds_on_a_good_mac(mac):
    results = mac()
    assert list(results) == NAMES
    assert {name: r.found for name, r in results.items() if r.status != "pass"} == {}
    assert "trees" in results["core"].found
    assert results["units"].found == "Core ML CPU_ONLY, Core ML CPU_AND_NE"
    assert results["core-ai"].found == "Core AI gpu, Core AI neural_engine"
    assert "functions" in results["functions"].found
    assert "SIGKILL" in results["child"].found
    assert results["energy"].found == "5.00 W at rest, 9.00 W at work"


def test_elsewhere_nothing_is_claimed(subject, tmp_path):
    results = list(settle(Lab(subject, tmp_path, None)))
    assert [result.name for result in results] == NAMES
    assert {(result.status, result.found) for result in results} == {
        ("not run", "this needs a Mac")
    }


def put(where, name, value):
    """What makes a fault: another value for a name."""
    return lambda patch: patch.setattr(where, name, value)


def answers(*values):
    """What makes a fault: these answers of one number each, in order, of what evaluates leaves."""

    def apply(patch):
        left = iter(values)
        patch.setattr(
            machine, "expansion", lambda *_: [np.full(2, next(left), np.float32), np.zeros(2)]
        )

    return apply


def other_visits(patch):
    result = machine.ReferenceSearch.result
    patch.setattr(
        machine.ReferenceSearch,
        "result",
        lambda self: replace(result(self), visits=result(self).visits + 1),
    )


def four_slow_cores(patch):
    patch.setattr(os, "cpu_count", lambda: 8)
    patch.setattr(machine, "performance_cores", lambda: 4)
    patch.setattr(machine, "_search_seconds", lambda lab, threads: 1.0)


STRICT = {"fp16": replace(programs.BOUNDS["fp16"], drift=-1.0)}


@pytest.mark.parametrize(
    ("name", "fault", "found"),
    [
        ("core", other_visits, "visits of all_outcomes with puct differ"),
        ("accelerate", answers(1.0, 1.0, 1.1), "other bits the second time"),
        ("accelerate", answers(1.0, 1.1, 1.1), "off by 0.1 of the scale; 0.0001 is allowed"),
        ("accelerate", answers(1.0, np.nan, np.nan), "other bits"),
        ("kernels", answers(1.0, 1.0, 1.0, 1.1), "they differ in bfloat16"),
        ("metal", put(machine, "GPU", "another"), "not on the GPU"),
        ("metal", answers(1.0, 1.1), "0.01 is allowed"),
        ("cores", put(machine, "performance_cores", lambda: 10**6), "1000000 performance cores of"),
        ("cores", four_slow_cores, "4 threads search 1.0 times as fast as one"),
        ("flush", lambda patch: patch.delattr(fcntl, "F_FULLFSYNC"), "knows no F_FULLFSYNC"),
        ("memory", put(machine, "peak_memory_mb", lambda: 0.3), "0.300 MB, on a machine"),
        ("units", FakeMac(broken=("CPU_ONLY",)), "Core ML CPU_ONLY: its programs did not load"),
        ("core-ai", put(CoreAi, "broken", ("gpu",)), "Core AI gpu: its programs did not load"),
        ("placement", FakeMac(on_the_engine=()), "recurrent_b2 0%"),
        ("layer-norm", FakeMac(on_the_engine=("conv",)), "export with --layer-norm decomposed"),
        ("functions", FakeMac(plans=1), "plans cover 1 of"),
        ("drift", put(programs, "BOUNDS", STRICT), "after 5 steps CPU_ONLY"),
        ("drift", FakeMac(broken=("CPU_AND_NE",)), "CPU_AND_NE: its programs did not load"),
        ("child", put(programs, "_kill_child", lambda evaluator: None), "expected one restart"),
        ("cache", put(programs, "default_folder", lambda: ROOT / "nowhere"), "are not in"),
        ("energy", put(machine, "measure_energy", lambda *_: None), "too few samples"),
        ("energy", put(machine, "measure_energy", lambda *_: replace(POWER, idle_w=None)), "sys_p"),
        ("energy", put(machine, "measure_energy", lambda *_: replace(POWER, idle_w=9.5)), "9.50 W"),
    ],
)
def test_a_fault_is_found(mac, monkeypatch, name, fault, found):
    core_ml = fault if isinstance(fault, FakeMac) else None
    if core_ml is None:
        fault(monkeypatch)
    (result,) = mac(name, core_ml=core_ml).values()
    assert result.status == "fail"
    assert found in result.found


def test_whatever_a_check_raises_is_a_failure_of_its_claim_alone(mac, monkeypatch):
    def broken():
        raise OSError("no such device")

    monkeypatch.setattr(machine, "peak_memory_mb", broken)
    results = mac("flush", "memory")
    assert results["flush"].status == "pass"
    assert (results["memory"].status, results["memory"].found) == (
        "fail",
        "OSError: no such device",
    )


def test_what_cannot_be_asked_says_what_to_do(mac, monkeypatch):
    monkeypatch.setattr(machine, "find_sampler", lambda: None)
    monkeypatch.setattr(FakeMac, "units", ("CPU_ONLY",))
    monkeypatch.setattr(CoreAi, "units", ("cpu_only",))
    monkeypatch.setattr(machine, "KERNELS", ("amx",))
    results = mac("energy", "placement", "core-ai", "kernels")
    assert {result.status for result in results.values()} == {"not run"}
    assert "brew install macmon" in results["energy"].found
    assert "from macOS 27 on" in results["core-ai"].found
    assert results["kernels"].found == "no kernels for amx here: an M4 or later has SME"
    assert "MLX_MUZERO_COMPUTE_UNITS" in results["placement"].found


def test_searches_are_timed(subject, tmp_path):
    assert 0 < machine._search_seconds(Lab(subject, tmp_path, None), 2) < 60


def test_the_work_whose_power_is_measured_is_a_search_leaf_by_leaf(subject, tmp_path):
    work = machine._work(Lab(subject, tmp_path, None))
    assert [next(work), next(work)] == [None, None]
    work.close()


@pytest.mark.parametrize(("status", "code"), [("pass", 0), ("not run", 0), ("fail", 1)])
def test_the_command_says_what_holds(cli, monkeypatch, status, code):
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Check("machine", "ok", "a machine")])
    results = [Result(name, status, f"{name} was [measured]") for name in NAMES]
    monkeypatch.setattr(mac_claims, "examine_mac", lambda say: results)
    found, out, _ = cli("doctor", "--mac")
    assert found == code
    assert f"{status:8} core: The C++ search" in out
    assert "energy was [measured]" in out
    count = {"pass": 0, "fail": 0, "not run": 0} | {status: len(NAMES)}
    assert out.endswith("{pass} passed, {fail} failed, {not run} not run\n".format(**count))
    found, out, _ = cli("doctor", "--mac", "--json")
    assert found == code
    assert json.loads(out)["claims"][0] == {
        "name": "core",
        "status": status,
        "found": "core was [measured]",
    }
