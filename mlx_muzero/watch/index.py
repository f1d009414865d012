"""Where the events of a journal are, by kind; one is decoded only when it is asked for."""

import os
from array import array
from bisect import bisect_left
from collections.abc import Collection
from datetime import datetime
from io import BufferedReader
from pathlib import Path

from mlx_muzero.files.regular import MOST_BYTES, MOST_LINE_BYTES, bounded_lines, reader
from mlx_muzero.untrusted.shapes import Malformed
from mlx_muzero.watch.events import SHAPES, Event, checked, moment

_PREFIX = b'{"event": "'
_TIME = b'"time": "'
_LONGEST_KIND = 64
_UNKNOWN = ""

RECENT = 200
"""Newest events of a kind that are always read."""

MOST_OLDER = 500
"""Older ones read at most, evenly spread, of the kinds that make a curve: a plot is no wider."""

MOST_READ_BYTES = 128 * 2**20
"""Decoded at once at most, the newest first: a journal of overlong events is not read whole."""

MOST_LINES = 20_000_000
MOST_SKIPPED = 1_000_000
"""Of a journal: the rest is not read. A year of paper trading has some million lines."""


class JournalIndex:
    """Events of the journal at `path`, numbered from 0; grows by `refresh`.

    Attributes:
        path: of the journal.
        skipped: lines that are no events: torn by a kill, damaged, or of a form no event has.
        unknown: events of kinds that this version does not know.
        problem: why the journal, or its rest, cannot be read; empty if it can.
        behind: whether `refresh` left something for the next call.
        decoded: events decoded so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin_again()

    def _begin_again(self) -> None:
        self.skipped = 0
        self.decoded = 0
        self.problem = ""
        self.behind = False
        self._offsets = array("Q")
        self._by_kind: dict[str, array[int]] = {}
        self._end = 0
        self._lines = 0
        self._inode = 0
        self._broken: set[int] = set()

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def unknown(self) -> int:
        """See the class."""
        return self.count(_UNKNOWN)

    @property
    def end(self) -> int:
        """Bytes taken so far."""
        return self._end

    def refresh(self, most_bytes: int | None = None) -> bool:
        """Take what was appended; True if the file was replaced and the numbers begin again.

        A line still being written is left for the next call. A missing file has no events.

        Args:
            most_bytes: read about so much and leave the rest for the next call; all by default.
        """
        try:
            with reader(self.path) as file:
                inode = os.fstat(file.fileno()).st_ino
                size = file.seek(0, 2)
                replaced = size < self._end or (self._inode not in (0, inode))
                if replaced:
                    self._begin_again()
                self._inode = inode
                if size > self._end and not self.problem:
                    file.seek(self._end)
                    self._scan(file, size, most_bytes or size)
                return replaced
        except FileNotFoundError:
            return self._lost("")
        except OSError as error:
            return self._lost(f"{self.path.name}: {error.strerror}")

    def _lost(self, problem: str) -> bool:
        gone = self._end > 0
        self._begin_again()
        self.problem = problem
        return gone

    def _scan(self, file: BufferedReader, size: int, most_bytes: int) -> None:
        offset, offsets = self._end, self._offsets
        stop = offset + most_bytes
        begin = len(_PREFIX)
        # Of unknown kinds there may be as many as lines: they are one.
        unknown = self._by_kind.setdefault(_UNKNOWN, array("Q"))
        kinds = {kind.encode(): self._by_kind.setdefault(kind, array("Q")) for kind in SHAPES}
        for line, length in bounded_lines(file):
            if line.startswith(_PREFIX) and line.endswith(b"}\n"):
                kind = line[begin : line.find(b'"', begin, begin + _LONGEST_KIND)]
                kinds.get(kind, unknown).append(len(offsets))
                offsets.append(offset)
            elif not line.endswith(b"\n"):
                break
            elif line.strip():
                self.skipped += 1
            offset += length
            self._lines += 1
            if offset >= stop or self._lines >= MOST_LINES or self.skipped >= MOST_SKIPPED:
                break
        self._end = offset
        self.behind = offset >= stop and offset < size
        self.problem = self._why_no_further(size)

    def _why_no_further(self, size: int) -> str:
        if self._lines >= MOST_LINES:
            return f"{self.path.name}: what follows {MOST_LINES:,} lines is not read"
        if self.skipped >= MOST_SKIPPED:
            return f"{self.path.name}: what follows {MOST_SKIPPED:,} damaged lines is not read"
        if size - self._end > MOST_BYTES and self._is_endless():
            return f"{self.path.name}: a line without end, from byte {self._end:,} on"
        return ""

    def _is_endless(self) -> bool:
        with reader(self.path) as file:
            file.seek(self._end)
            return next(bounded_lines(file), None) is None

    def last_kind(self, kinds: Collection[str]) -> str:
        """The one of `kinds` that came last; "" if none did."""
        found = {self._by_kind[kind][-1]: kind for kind in kinds if self.count(kind)}
        return found[max(found)] if found else ""

    def count(self, kind: str) -> int:
        """Events of a kind."""
        return len(self._by_kind.get(kind, ()))

    def event(self, number: int) -> Event | None:
        """The event, or None (and counted as skipped) if it is damaged."""
        found = self._read([number])
        return found[0] if found else None

    def events(self, first: int, stop: int) -> list[Event]:
        """Events `first` .. `stop` - 1, damaged ones left out."""
        return self._read(range(first, stop))

    def newest(self, kind: str, most: int) -> list[Event]:
        """The newest `most` events of a kind, oldest of them first."""
        numbers = self._by_kind.get(kind)
        return [] if numbers is None else self._read(numbers[-most:])

    def sampled(self, stop: int, curves: Collection[str]) -> list[Event]:
        """What is needed to know the state before event `stop`, in order.

        The newest `RECENT` events of each kind, and of the kinds in `curves` up to `MOST_OLDER`
        older ones, evenly spread: reading is bounded, however long the journal is.
        """
        chosen: list[int] = []
        for kind, numbers in self._by_kind.items():
            end = bisect_left(numbers, stop)
            start = max(0, end - RECENT)
            chosen += numbers[start:end]
            if kind in curves:
                stride = -(-start // MOST_OLDER) or 1
                chosen += numbers[0:start:stride]
        return self._read(sorted(chosen))

    def time(self, number: int) -> datetime | None:
        """Wall time of the event, read from the beginning of its line."""
        try:
            with reader(self.path) as file:
                file.seek(self._offsets[number])
                head = file.read(200)
        except OSError:
            return None
        begin = head.find(_TIME) + len(_TIME)
        return moment(head[begin : head.find(b'"', begin)].decode(errors="replace"))

    @property
    def last_time(self) -> datetime | None:
        """Wall time of the newest event that tells its own; None if none of the last ones does."""
        newest = range(len(self) - 1, max(len(self) - RECENT, 0) - 1, -1)
        return next((time for number in newest if (time := self.time(number))), None)

    def _read(self, numbers: Collection[int]) -> list[Event]:
        """Events of ascending numbers; without the oldest where they are too large together."""
        numbers = self._affordable(numbers)
        if not numbers:
            return []
        try:
            with reader(self.path) as file:
                found = [self._decode(file, number) for number in numbers]
        except OSError:
            return []  # gone since the last look; the next one says so
        return [event for event in found if event is not None]

    def _affordable(self, numbers: Collection[int]) -> list[int]:
        chosen, left = list(numbers), MOST_READ_BYTES
        for place in range(len(chosen) - 1, -1, -1):
            number = chosen[place]
            end = self._offsets[number + 1] if number + 1 < len(self) else self._end
            left -= min(end - self._offsets[number], MOST_LINE_BYTES)
            if left < 0:
                return chosen[place + 1 :]
        return chosen

    def _decode(self, file: BufferedReader, number: int) -> Event | None:
        self.decoded += 1
        file.seek(self._offsets[number])
        try:
            return checked(file.readline(MOST_LINE_BYTES))
        except Malformed:
            if number not in self._broken:
                self._broken.add(number)
                self.skipped += 1
            return None
