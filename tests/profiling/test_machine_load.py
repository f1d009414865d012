"""The load of a machine: from /proc on Linux, from macmon on a Mac."""

import json
import os
import time

import pytest

from fake_mac import become_a_mac
from mlx_muzero.machine import CoreKind, core_kinds
from mlx_muzero.profiling.machine_load import NO_MACMON, WRONG_MACMON, LoadMeter

SAMPLE = {
    "cpu_power": 1.0, "gpu_power": 0.5, "ane_power": 2.0, "sys_power": 9.0,
    "pcpu_usage": [3000, 0.5], "ecpu_usage": [1000, 0.25], "gpu_usage": [400, 0.1],
    "memory": {"ram_total": 16e9, "ram_usage": 8e9},
}  # fmt: skip


class Clock:
    """A second passes at every look."""

    now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Puts a macmon on the path, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(script):
        (folder / "macmon").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "macmon").chmod(0o755)

    return make


def until(meter, true):
    end = time.monotonic() + 20
    while not true(load := meter.read()):
        assert time.monotonic() < end, load
        time.sleep(0.01)
    return load


def stat(proc, busy, idle):
    (proc / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3 4\n")


def test_linux_tells_of_all_cores_together(tool, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n")
    meter = LoadMeter(tmp_path, Clock())
    stat(tmp_path, 100, 100)
    assert meter.read().cores[0].busy is None, "a share needs two looks"
    stat(tmp_path, 130, 170)
    load = meter.read()
    assert load.cores == ((CoreKind("", os.cpu_count()), pytest.approx(0.3)),)
    assert (load.memory_used, load.watts, load.missing) == (600 * 1024, None, NO_MACMON)


def test_what_cannot_be_read_is_not_known(tool, tmp_path):
    (tmp_path / "stat").write_text("cpu")
    (tmp_path / "meminfo").write_text("MemTotal:\n")
    load = LoadMeter(tmp_path, Clock()).read()
    assert (load.cores[0].busy, load.memory_used) == (None, None)


def test_it_measures_once_a_second(tool, tmp_path):
    meter = LoadMeter(tmp_path, lambda: 5.0)
    assert meter.read() is meter.read()


def test_a_mac_has_two_kinds_of_cores(monkeypatch, tmp_path):
    become_a_mac(monkeypatch, tmp_path)
    assert core_kinds() == (CoreKind("Performance", 4), CoreKind("Efficiency", 6))


def test_macmon_tells_of_each_kind_and_is_ended(tool, monkeypatch, tmp_path):
    become_a_mac(monkeypatch, tmp_path)
    tool(f"echo '{json.dumps(SAMPLE)}'\nexec /bin/sleep 60")
    meter = LoadMeter(tmp_path / "none", Clock())
    load = until(meter, lambda load: load.watts is not None)
    assert [kind.busy for kind in load.cores] == [0.5, 0.25]
    assert (load.watts, load.gpu, load.memory_used) == ((1.0, 0.5, 2.0, 9.0), 0.1, 8e9)
    assert load.missing == ""
    process = meter._process
    meter.stop()
    assert process.returncode is not None


@pytest.mark.parametrize("script", ["echo usage: macmon", "exit 2", "echo '[1]'"])
def test_another_program_of_that_name_is_told_and_not_begun_again(tool, tmp_path, script):
    tool(f"echo x >> {tmp_path}/begun\n{script}")
    meter = LoadMeter(tmp_path, Clock())
    assert until(meter, lambda load: load.missing).missing == WRONG_MACMON
    meter.read()
    assert (tmp_path / "begun").read_text() == "x\n"


def test_a_program_that_prints_without_end_holds_nobody_up(tool, tmp_path):
    tool("while :; do echo 0123456789; done")
    meter = LoadMeter(tmp_path, Clock())
    for _ in range(3):
        assert meter.read().watts is None
    meter.stop()


def test_a_macmon_that_came_to_its_end_is_begun_again(tool, tmp_path):
    (tmp_path / "begun").touch()
    tool(f"echo x >> {tmp_path}/begun\necho '{json.dumps(SAMPLE)}'")
    meter = LoadMeter(tmp_path, Clock())
    until(meter, lambda load: (tmp_path / "begun").read_text().count("x") > 1)
    assert meter.last.missing == ""
    meter.stop()
