"""Measures how long this process waits for pages of mapped files to come from the disk.

A page that is not in memory is read when it is touched, in the middle of some arithmetic, and the
system counts no more than that it happened. So work on mapped arrays is watched: if pages had to be
read, the time that its thread did not run is what it waited.
"""

import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RECENT_S = 60.0
TOLD_FROM = 0.05
"""Share of the time from which waiting is worth a word."""

_WHO = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # macOS counts whole processes only


class DiskWaits:
    """Adds up waits.

    Attributes:
        seconds: how long watched work has waited, in all threads together.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._adding = threading.Lock()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what the block does."""
        read = resource.getrusage(_WHO).ru_majflt
        began, ran = time.perf_counter(), time.thread_time()
        yield
        if resource.getrusage(_WHO).ru_majflt > read:
            waited = time.perf_counter() - began - (time.thread_time() - ran)
            with self._adding:
                self.seconds += max(waited, 0.0)


DISK_WAITS = DiskWaits()
"""Those of this process."""


class RecentWaits:
    """How long was waited in the last `RECENT_S` seconds.

    Args:
        waits: what is watched.
        clock: tells the time in seconds; by default, since the machine started.
    """

    def __init__(
        self, waits: DiskWaits = DISK_WAITS, clock: Callable[[], float] | None = None
    ) -> None:
        self._waits, self._clock = waits, clock or time.monotonic
        self._seen = deque([(self._clock(), waits.seconds)])

    def in_words(self) -> str | None:
        """What was waited, if it is worth a word; to be asked every few seconds."""
        now, waited = self._clock(), self._waits.seconds
        if now - self._seen[-1][0] >= 1.0:
            self._seen.append((now, waited))
        while len(self._seen) > 1 and now - self._seen[0][0] > RECENT_S:
            self._seen.popleft()
        since, before = self._seen[0]
        span, recent = now - since, waited - before
        if span <= 0.0 or recent < TOLD_FROM * span:
            return None
        return f"{recent:.1f} s of the last {span:.0f} s waited for the disk"
