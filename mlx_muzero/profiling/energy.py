"""Energy per decision, if a tool that samples power is present.

Such tools are optional and third-party: `macmon` needs no privileges; `powermetrics` is part of
macOS and needs root, which is never requested. Without either, no energy is reported. Only `macmon`
tells the power of the whole machine, of which what it takes at rest is subtracted.
"""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mlx_muzero.profiling import macmon
from mlx_muzero.profiling.macmon import Watts

INTERVAL_MS = 250
MOST_SAMPLES = 240
"""Number of samples after which a sampler ends by itself if nobody is left to end it."""

LEAST_SAMPLES = 4

REST_S = 0.05
"""Length of a nap while the machine rests."""

_POWER_LINE = re.compile(r"^(CPU|GPU|ANE) Power: ([\d.]+) mW", re.MULTILINE)


@dataclass(frozen=True)
class Energy:
    """Power of the machine while decisions were made one after the other.

    Attributes:
        sampler: the tool that measured.
        cpu_w: mean power of the CPU in watts.
        gpu_w: mean power of the GPU in watts.
        ane_w: mean power of the Neural Engine in watts.
        decisions_per_s: rate of decisions during the measurement.
        samples: number of samples in the means.
        system_w: mean power of the whole machine in watts; None if the tool does not tell it.
        idle_w: the same just before, with everything loaded and nothing to do.
    """

    sampler: str
    cpu_w: float
    gpu_w: float
    ane_w: float
    decisions_per_s: float
    samples: int
    system_w: float | None = None
    idle_w: float | None = None

    @property
    def mj_per_decision(self) -> float:
        """Energy per decision in millijoules.

        What the whole machine takes beyond its power at rest, memory included; where that is not
        known, what CPU, GPU and Neural Engine take together.
        """
        if self.system_w is not None and self.idle_w is not None:
            watts = self.system_w - self.idle_w
        else:
            watts = self.cpu_w + self.gpu_w + self.ane_w
        return 1e3 * watts / self.decisions_per_s


@dataclass(frozen=True)
class Sampler:
    """A tool that prints power samples until it is ended.

    Attributes:
        command: the tool with its arguments.
        read: parses its output into samples.
    """

    command: tuple[str, ...]
    read: Callable[[str], Iterator[Watts]]


def find_sampler() -> Sampler | None:
    """The tool that is available here; None if there is none."""
    if command := macmon.command(MOST_SAMPLES, INTERVAL_MS):
        return Sampler(command, _read_macmon)
    if os.geteuid() == 0 and shutil.which("powermetrics"):
        bounds = ("-n", str(MOST_SAMPLES), "-i", str(INTERVAL_MS))
        samplers = ("--samplers", "cpu_power,gpu_power,ane_power")
        return Sampler(("powermetrics", *samplers, *bounds), _read_powermetrics)
    return None


def measure_energy(
    sampler: Sampler, decide: Callable[[], object], decisions: int, seconds: float
) -> Energy | None:
    """Measure the power at rest, then the energy of `decide`; None with too few samples.

    Args:
        sampler: the tool.
        decide: makes decisions; called repeatedly.
        decisions: number of decisions per call.
        seconds: minimum duration of either.
    """
    at_rest = _sampled(sampler, lambda: time.sleep(min(seconds, REST_S)), seconds)
    at_work = _sampled(sampler, decide, seconds)
    if at_rest is None or at_work is None:
        return None
    idle, watts = at_rest.mean, at_work.mean
    return Energy(
        sampler.command[0],
        *watts[:3],
        decisions_per_s=at_work.calls * decisions / at_work.seconds,
        samples=at_work.samples,
        system_w=watts.system,
        idle_w=idle.system,
    )


class _Sampled(NamedTuple):
    mean: Watts
    samples: int
    calls: int
    seconds: float


def _sampled(sampler: Sampler, work: Callable[[], object], seconds: float) -> _Sampled | None:
    """The mean power while `work` is called; None with too few samples."""
    with tempfile.TemporaryFile("w+") as printed:
        try:
            process = subprocess.Popen(
                sampler.command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return None
        try:
            start, calls, passed = time.perf_counter(), 0, 0.0
            while calls == 0 or passed < seconds:
                work()
                calls += 1
                passed = time.perf_counter() - start
        finally:
            process.kill()
            process.wait()
        printed.seek(0)
        # The first sample partly covers the time before.
        samples = list(sampler.read(printed.read()))[1:]
    if len(samples) < LEAST_SAMPLES:
        return None
    cpu, gpu, ane = (
        statistics.fmean(watts) for watts in zip(*(s[:3] for s in samples), strict=True)
    )
    told = [sample.system for sample in samples if sample.system is not None]
    system = statistics.fmean(told) if len(told) == len(samples) else None
    return _Sampled(Watts(cpu, gpu, ane, system), len(samples), calls, passed)


def _read_macmon(text: str) -> Iterator[Watts]:
    return (sample.watts for sample in macmon.samples_of(text))


def _read_powermetrics(text: str) -> Iterator[Watts]:
    """Parse blocks of lines, in milliwatts; the last block may be incomplete."""
    for block in text.split("*** Sampled system activity")[1:]:
        watts = {name: float(number) / 1e3 for name, number in _POWER_LINE.findall(block)}
        if watts.keys() == {"CPU", "GPU", "ANE"}:
            yield Watts(watts["CPU"], watts["GPU"], watts["ANE"])
