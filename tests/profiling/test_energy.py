"""Energy: read from what samplers print, and never guessed."""

import json
import os
import stat
import time

import pytest

from mlx_muzero.profiling import energy
from mlx_muzero.profiling.energy import find_sampler, measure_energy

MACMON = [
    {"cpu_power": 50.0, "gpu_power": 50.0, "ane_power": 50.0},
    *[{"cpu_power": 1.0, "gpu_power": 0.5, "ane_power": 2.0, "sys_power": 9.0}] * 8,
]
POWERMETRICS = """*** Sampled system activity (Sun Nov 22 10:00:00 2026) (251.32ms elapsed) ***

**** Processor usage ****

CPU Power: {cpu} mW
GPU Power: {gpu} mW
ANE Power: {ane} mW
Combined Power (CPU + GPU + ANE): 0 mW

"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Puts a command on an otherwise empty path that prints a text and waits to be ended."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(name, text):
        (tmp_path / "printed").write_text(text)
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n/bin/cat '{tmp_path}/printed'\nexec /bin/sleep 600\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    return make


def measured():
    return measure_energy(find_sampler(), lambda: time.sleep(0.01), 16, 0.3)


def assert_means(found, name):
    """The first sample, of the time before, does not count."""
    assert (found.sampler, found.samples) == (name, 8)
    assert (found.cpu_w, found.gpu_w, found.ane_w) == pytest.approx((1.0, 0.5, 2.0))
    assert found.mj_per_decision == pytest.approx(3500 / found.decisions_per_s)


def test_macmon(tool):
    cut = '{"cpu_power": 77.0, "gpu'
    tool("macmon", "\n".join(map(json.dumps, MACMON)) + f"\n{cut}")
    assert find_sampler().command[:2] == ("macmon", "pipe")
    assert_means(measured(), "macmon")


def test_powermetrics_for_root_only(tool, monkeypatch):
    blocks = [
        POWERMETRICS.format(**{n: int(1e3 * sample[f"{n}_power"]) for n in ("cpu", "gpu", "ane")})
        for sample in MACMON
    ]
    tool("powermetrics", "Machine model: Mac16,1\n\n" + "".join(blocks) + blocks[0][:120])
    monkeypatch.setattr(os, "geteuid", lambda: 501)
    assert find_sampler() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert_means(measured(), "powermetrics")


def test_without_a_tool_there_is_no_sampler(tool, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert find_sampler() is None


@pytest.mark.parametrize("text", ["", "no JSON\n", "\n".join(map(json.dumps, MACMON[:4]))])
def test_too_few_samples_are_none(tool, text):
    tool("macmon", text)
    assert measured() is None


def test_a_sampler_that_does_not_start_is_none(monkeypatch):
    sampler = energy.Sampler(("/nowhere/macmon",), energy._read_macmon)
    assert measure_energy(sampler, lambda: None, 1, 0.0) is None
