"""What macmon tells of a Mac: power, and how busy its parts are.

This is https://github.com/vladkens/macmon (``brew install macmon``), which needs no privileges. The
package of that name on PyPI is another program: its output has no sample that is read here.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any, NamedTuple


class Watts(NamedTuple):
    """Power of the parts of the chip, and of the whole machine where the tool tells it."""

    cpu: float
    gpu: float
    ane: float
    system: float | None = None


class Sample(NamedTuple):
    """One sample; what a version of macmon does not tell is None.

    Attributes:
        watts: power.
        performance: busy share of the performance cores, 0 to 1.
        efficiency: busy share of the efficiency cores, 0 to 1.
        gpu: busy share of the GPU, 0 to 1.
        memory_bytes: memory in use.
    """

    watts: Watts
    performance: float | None = None
    efficiency: float | None = None
    gpu: float | None = None
    memory_bytes: float | None = None


def command(samples: int, interval_ms: int) -> tuple[str, ...] | None:
    """The command that prints `samples` samples; None if no macmon is on the path."""
    if shutil.which("macmon"):
        return ("macmon", "pipe", "--samples", str(samples), "--interval", str(interval_ms))
    return None


def samples_of(text: str) -> Iterator[Sample]:
    """Parse one JSON object per line, in watts; the last line may be incomplete.

    ``sys_power`` is the whole machine's, from a sensor that few machines lack: it is 0 there.
    """
    for line in text.splitlines():
        try:
            told = json.loads(line)
            cpu, gpu, ane = (float(told[f"{part}_power"]) for part in ("cpu", "gpu", "ane"))
            watts = Watts(cpu, gpu, ane, float(told.get("sys_power") or 0.0) or None)
            memory = told.get("memory")
            used = memory.get("ram_usage") if isinstance(memory, dict) else None
            yield Sample(
                watts,
                performance=_share(told.get("pcpu_usage")),
                efficiency=_share(told.get("ecpu_usage")),
                gpu=_share(told.get("gpu_usage")),
                memory_bytes=None if used is None else float(used),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _share(usage: Any) -> float | None:
    """The share of macmon's pair of a frequency in MHz and a share."""
    return float(usage[1]) if isinstance(usage, list) and len(usage) == 2 else None
