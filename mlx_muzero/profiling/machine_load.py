"""How busy this machine is: its cores by kind, its memory, and on a Mac power and GPU."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlx_muzero.machine import CoreKind, core_kinds
from mlx_muzero.profiling import macmon
from mlx_muzero.profiling.macmon import Sample, Watts

INTERVAL_S = 1.0
_MOST_SAMPLES = 3600
"""Samples after which macmon ends by itself if nobody is left to end it; it is then begun again."""

_READ_BYTES = 64 * 2**10
_MOST_READS = 16
"""Reads at a time: another program of that name may print without end."""

NO_MACMON = "watts, GPU and Neural Engine: not known without macmon (on a Mac: brew install macmon)"
WRONG_MACMON = (
    "macmon on the path gave no sample. PyPI's macmon is another program: brew install macmon"
)


class KindLoad(NamedTuple):
    """How busy the cores of a kind are, from 0 to 1; None if it is not known."""

    kind: CoreKind
    busy: float | None


@dataclass(frozen=True)
class Load:
    """The machine in the last second.

    Attributes:
        cores: by kind.
        memory_used: bytes in use, by all processes; None if it is not known.
        memory: bytes of the machine.
        watts: power; None if it is not known.
        gpu: busy share of the GPU, 0 to 1; None if it is not known.
        missing: why something is not known; empty if all is.
    """

    cores: tuple[KindLoad, ...]
    memory_used: float | None
    memory: float
    watts: Watts | None
    gpu: float | None
    missing: str


class LoadMeter:
    """Measures while it is in use: `stop` ends macmon, and the next `read` begins again.

    Args:
        proc: where Linux tells of processors and memory; a Mac has no such folder.
        clock: seconds that never go back.

    Attributes:
        last: the load when it was last measured.
    """

    def __init__(
        self, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._proc, self._clock = proc, clock
        self._kinds = core_kinds()
        self._ticks: tuple[int, int] | None = None
        self._read_at = -INTERVAL_S
        self._process: subprocess.Popen[bytes] | None = None
        self._printed = b""
        self._sample: Sample | None = None
        self._missing = ""
        self.last = self._made(None)

    def read(self) -> Load:
        """The load; measured anew at most once a second."""
        now = self._clock()
        if now - self._read_at >= INTERVAL_S:
            self._read_at = now
            self._listen()
            self.last = self._made(self._busy())
        return self.last

    def stop(self) -> None:
        """End what measures."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._release()
        self._ticks, self._sample = None, None

    def _made(self, busy: float | None) -> Load:
        sample = self._sample
        cores = tuple(
            KindLoad(kind, busy if sample is None else _of_kind(sample, kind))
            for kind in self._kinds
        )
        used = self._memory_used() if sample is None else sample.memory_bytes
        return Load(
            cores,
            used,
            float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
            None if sample is None else sample.watts,
            None if sample is None else sample.gpu,
            self._missing,
        )

    def _busy(self) -> float | None:
        """The busy share of all cores since the last call, which Linux tells."""
        try:
            words = (self._proc / "stat").read_text().split(maxsplit=9)[1:9]
            ticks = [int(word) for word in words]
        except (OSError, ValueError):
            return None
        before, total, idle = self._ticks, sum(ticks), sum(ticks[3:5])
        self._ticks = total, idle
        if before is None or total <= before[0]:
            return None
        return min(max(1.0 - (idle - before[1]) / (total - before[0]), 0.0), 1.0)

    def _memory_used(self) -> float | None:
        try:
            lines = (self._proc / "meminfo").read_text().splitlines()
            sizes = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
            return 1024.0 * (sizes["MemTotal"] - sizes["MemAvailable"])
        except (OSError, ValueError, KeyError, IndexError):
            return None

    def _listen(self) -> None:
        """Take the newest of what macmon printed since the last call."""
        if self._process is None and self._missing != WRONG_MACMON:
            self._begin()
        if self._process is None:
            return
        assert self._process.stdout is not None
        ended = self._process.poll() is not None  # asked first: what it printed is then all there
        for _ in range(_MOST_READS):
            part = self._process.stdout.read(_READ_BYTES)
            if not part:
                break
            self._printed = (self._printed + part)[-_READ_BYTES:]
        whole, newline, self._printed = self._printed.rpartition(b"\n")
        for sample in macmon.samples_of((whole + newline).decode(errors="replace")):
            self._sample = sample
        if ended:
            self._missing = "" if self._sample else WRONG_MACMON
            self._release()

    def _begin(self) -> None:
        command = macmon.command(_MOST_SAMPLES, int(1000 * INTERVAL_S))
        self._missing = "" if command else NO_MACMON
        if command is None:
            return
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            self._missing = f"macmon cannot be run: {error.strerror}"
            return
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    def _release(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process, self._printed = None, b""


def _of_kind(sample: Sample, kind: CoreKind) -> float | None:
    return {"performance": sample.performance, "efficiency": sample.efficiency}.get(
        kind.name.lower()
    )
