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


def at_rest(sample):
    return sample | {"sys_power": 5.0}


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Puts a command on an otherwise empty path that prints a text and waits to be ended.

    Called for the first time, it prints `rest`, if that is another text.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    nap = time.sleep

    def until_it_has_printed(seconds):
        patience = time.monotonic() + 10
        while not (tmp_path / "done").exists() and time.monotonic() < patience:
            nap(0.002)
        (tmp_path / "done").unlink(missing_ok=True)

    monkeypatch.setattr(energy.time, "sleep", until_it_has_printed)

    def make(name, text, rest=None):
        (tmp_path / "printed").write_text(text)
        (tmp_path / "rest").write_text(text if rest is None else rest)
        script = tmp_path / name
        script.write_text(
            f"#!/bin/sh\ncd '{tmp_path}'\n"
            "if [ -e rest ]; then /bin/cat rest; /bin/rm rest; else /bin/cat printed; fi\n"
            ": > done\nexec /bin/sleep 600\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    return make


def measured():
    """One call at rest and one at work, each as long as the tool needs to print."""
    return measure_energy(find_sampler(), lambda: time.sleep(0.01), 16, 0.0)


def assert_means(found, name):
    """The first sample, of the time before, does not count."""
    assert (found.sampler, found.samples) == (name, 8)
    assert (found.cpu_w, found.gpu_w, found.ane_w) == pytest.approx((1.0, 0.5, 2.0))


def lines(samples):
    return "\n".join(map(json.dumps, samples))


def test_macmon(tool):
    cut = '{"cpu_power": 77.0, "gpu'
    rest = [MACMON[0], *map(at_rest, MACMON[1:])]
    tool("macmon", f"{lines(MACMON)}\n{cut}", lines(rest))
    assert find_sampler().command[:2] == ("macmon", "pipe")
    found = measured()
    assert_means(found, "macmon")
    assert (found.system_w, found.idle_w) == pytest.approx((9.0, 5.0))
    assert found.mj_per_decision == pytest.approx(4000 / found.decisions_per_s)


@pytest.mark.parametrize("power", [{}, {"sys_power": 0.0}, {"sys_power": None}])
def test_without_the_machines_power_it_is_the_chips(tool, power):
    samples = [{k: v for k, v in s.items() if k != "sys_power"} | power for s in MACMON]
    tool("macmon", lines(samples))
    found = measured()
    assert (found.system_w, found.idle_w) == (None, None)
    assert found.mj_per_decision == pytest.approx(3500 / found.decisions_per_s)


def test_powermetrics_for_root_only(tool, monkeypatch):
    blocks = [
        POWERMETRICS.format(**{n: int(1e3 * sample[f"{n}_power"]) for n in ("cpu", "gpu", "ane")})
        for sample in MACMON
    ]
    tool("powermetrics", "Machine model: Mac16,1\n\n" + "".join(blocks) + blocks[0][:120])
    monkeypatch.setattr(os, "geteuid", lambda: 501)
    assert find_sampler() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = measured()
    assert_means(found, "powermetrics")
    assert found.mj_per_decision == pytest.approx(3500 / found.decisions_per_s)


def test_without_a_tool_there_is_no_sampler(tool, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert find_sampler() is None


@pytest.mark.parametrize("text", ["", "no JSON\n", "[1]\n", lines(MACMON[:4])])
def test_too_few_samples_are_none(tool, text):
    tool("macmon", text)
    assert measured() is None


def test_a_sampler_that_does_not_start_is_none(monkeypatch):
    sampler = energy.Sampler(("/nowhere/macmon",), energy._read_macmon)
    assert measure_energy(sampler, lambda: None, 1, 0.0) is None
