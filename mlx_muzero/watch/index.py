"""Where the events of a journal are, by kind; one is decoded only when it is asked for."""

import json
from array import array
from bisect import bisect_left
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

_PREFIX = b'{"event": "'
_TIME = b'"time": "'

RECENT = 200
"""Newest events of a kind that are always read."""

MOST_OLDER = 500
"""Older ones read at most, evenly spread, of the kinds that make a curve: a plot is no wider."""

Event = dict[str, Any]


def event_time(event: Event) -> datetime | None:
    """Wall time of an event; None if it has none that can be read."""
    try:
        return datetime.fromisoformat(event["time"])
    except (KeyError, TypeError, ValueError):
        return None


class JournalIndex:
    """Events of the journal at `path`, numbered from 0; grows by `refresh`.

    Attributes:
        path: of the journal.
        skipped: lines that are no events: torn by a kill, or damaged.
        decoded: events decoded so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin_again()

    def _begin_again(self) -> None:
        self.skipped = 0
        self.decoded = 0
        self._offsets = array("Q")
        self._by_kind: dict[str, array[int]] = {}
        self._end = 0
        self._inode = 0
        self._broken: set[int] = set()

    def __len__(self) -> int:
        return len(self._offsets)

    def refresh(self) -> bool:
        """Take what was appended; True if the file was replaced and the numbers begin again.

        A line still being written is left for the next call. A missing file has no events.
        """
        try:
            with self.path.open("rb") as file:
                status = self.path.stat()
                size = file.seek(0, 2)
                replaced = size < self._end or (self._inode not in (0, status.st_ino))
                if replaced:
                    self._begin_again()
                self._inode = status.st_ino
                if size > self._end:
                    file.seek(self._end)
                    self._scan(file)
                return replaced
        except FileNotFoundError:
            gone = self._end > 0
            self._begin_again()
            return gone

    def _scan(self, file: BinaryIO) -> None:
        offset, offsets, by_kind = self._end, self._offsets, self._by_kind
        begin = len(_PREFIX)
        kinds: dict[bytes, array[int]] = {kind.encode(): found for kind, found in by_kind.items()}
        for line in file:
            if line.startswith(_PREFIX) and line.endswith(b"}\n"):
                kind = line[begin : line.find(b'"', begin)]
                if kind not in kinds:
                    kinds[kind] = by_kind[kind.decode(errors="replace")] = array("Q")
                kinds[kind].append(len(offsets))
                offsets.append(offset)
            elif not line.endswith(b"\n"):
                break
            elif line.strip():
                self.skipped += 1
            offset += len(line)
        self._end = offset

    def count(self, kind: str) -> int:
        """Events of a kind."""
        return len(self._by_kind.get(kind, ()))

    def last_kind(self, kinds: Collection[str]) -> str:
        """The one of `kinds` that came last; "" if none did."""
        found = {self._by_kind[kind][-1]: kind for kind in kinds if self.count(kind)}
        return found[max(found)] if found else ""

    def event(self, number: int) -> Event | None:
        """The event, or None (and counted as skipped) if it is damaged."""
        with self.path.open("rb") as file:
            return self._decode(file, number)

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
        with self.path.open("rb") as file:
            file.seek(self._offsets[number])
            head = file.read(200)
        begin = head.find(_TIME) + len(_TIME)
        try:
            return datetime.fromisoformat(head[begin : head.find(b'"', begin)].decode())
        except ValueError:
            return None

    def _read(self, numbers: Collection[int]) -> list[Event]:
        if not numbers:
            return []
        with self.path.open("rb") as file:
            found = (self._decode(file, number) for number in numbers)
            return [event for event in found if event is not None]

    def _decode(self, file: BinaryIO, number: int) -> Event | None:
        self.decoded += 1
        file.seek(self._offsets[number])
        try:
            event: Event = json.loads(file.readline())
        except ValueError:
            if number not in self._broken:
                self._broken.add(number)
                self.skipped += 1
            return None
        return event
