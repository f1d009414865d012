"""Energy per decision, if a tool that samples the power of CPU, GPU and Neural Engine is present.

Such tools are optional and third-party: `macmon` needs no privileges; `powermetrics` is part of
macOS and needs root, which is never requested. Without either, no energy is reported.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

INTERVAL_MS = 250
MOST_SAMPLES = 240
"""Number of samples after which a sampler ends by itself if nobody is left to end it."""

LEAST_SAMPLES = 4

_POWER_LINE = re.compile(r"^(CPU|GPU|ANE) Power: ([\d.]+) mW", re.MULTILINE)


@dataclass(frozen=True)
class Energy:
    """Power of the whole machine's chip while decisions were made one after the other.

    Attributes:
        sampler: the tool that measured.
        cpu_w: mean power of the CPU in watts.
        gpu_w: mean power of the GPU in watts.
        ane_w: mean power of the Neural Engine in watts.
        decisions_per_s: rate of decisions during the measurement.
        samples: number of samples in the means.
    """

    sampler: str
    cpu_w: float
    gpu_w: float
    ane_w: float
    decisions_per_s: float
    samples: int

    @property
    def mj_per_decision(self) -> float:
        """Energy per decision of all three together, in millijoules."""
        return 1e3 * (self.cpu_w + self.gpu_w + self.ane_w) / self.decisions_per_s


@dataclass(frozen=True)
class Sampler:
    """A tool that prints power samples until it is ended.

    Attributes:
        command: the tool with its arguments.
        read: parses its output into samples: watts of CPU, GPU and Neural Engine.
    """

    command: tuple[str, ...]
    read: Callable[[str], Iterator[tuple[float, float, float]]]


def find_sampler() -> Sampler | None:
    """The tool that is available here; None if there is none."""
    if shutil.which("macmon"):
        bounds = ("--samples", str(MOST_SAMPLES), "--interval", str(INTERVAL_MS))
        return Sampler(("macmon", "pipe", *bounds), _read_macmon)
    if os.geteuid() == 0 and shutil.which("powermetrics"):
        bounds = ("-n", str(MOST_SAMPLES), "-i", str(INTERVAL_MS))
        samplers = ("--samplers", "cpu_power,gpu_power,ane_power")
        return Sampler(("powermetrics", *samplers, *bounds), _read_powermetrics)
    return None


def measure_energy(
    sampler: Sampler, decide: Callable[[], object], decisions: int, seconds: float
) -> Energy | None:
    """Measure the energy of `decide`; None if the sampler gave too few samples.

    Args:
        sampler: the tool.
        decide: makes decisions; called repeatedly.
        decisions: number of decisions per call.
        seconds: minimum duration.
    """
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
            start, calls = time.perf_counter(), 0
            while (passed := time.perf_counter() - start) < seconds:
                decide()
                calls += 1
        finally:
            process.kill()
            process.wait()
        printed.seek(0)
        # The first sample partly covers the time before.
        samples = list(sampler.read(printed.read()))[1:]
    if len(samples) < LEAST_SAMPLES:
        return None
    cpu, gpu, ane = (sum(watts) / len(samples) for watts in zip(*samples, strict=True))
    return Energy(sampler.command[0], cpu, gpu, ane, calls * decisions / passed, len(samples))


def _read_macmon(text: str) -> Iterator[tuple[float, float, float]]:
    """Parse one JSON object per line, in watts; the last line may be incomplete."""
    for line in text.splitlines():
        try:
            sample = json.loads(line)
            yield sample["cpu_power"], sample["gpu_power"], sample["ane_power"]
        except (ValueError, KeyError, TypeError):
            continue


def _read_powermetrics(text: str) -> Iterator[tuple[float, float, float]]:
    """Parse blocks of lines, in milliwatts; the last block may be incomplete."""
    for block in text.split("*** Sampled system activity")[1:]:
        watts = {name: float(number) / 1e3 for name, number in _POWER_LINE.findall(block)}
        if watts.keys() == {"CPU", "GPU", "ANE"}:
            yield watts["CPU"], watts["GPU"], watts["ANE"]
