"""Reads what a journal gained, each event once, also across restarts."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.files.regular import bounded_lines, reader
from mlx_muzero.untrusted.shapes import Malformed
from mlx_muzero.watch.events import Event, checked

_PREFIX = b'{"event": "'
_LONGEST_KIND = 64
_AT_ONCE_BYTES = 16 * 2**20
_TAIL_BYTES = 4_000_000


@dataclass(frozen=True)
class Cursor:
    """Up to where a journal was read.

    Attributes:
        offset: bytes.
        seq: number of the newest numbered event; a journal that was cut is completed by numbers.
    """

    offset: int = 0
    seq: int = 0


class JournalTail:
    """The new events of a journal.

    Args:
        path: the journal, which need not exist yet.
        kinds: events that are wanted; other lines are not decoded.
        cursor: where to begin; None for the journal's present end.
    """

    def __init__(self, path: Path, kinds: Collection[str], cursor: Cursor | None = None) -> None:
        self._path = path
        self._kinds = frozenset(kind.encode() for kind in kinds)
        self.cursor = Cursor() if cursor is None else cursor
        if cursor is None:
            self._skip_to_end()

    def new(self) -> list[Event]:
        """Events since the last call, oldest first; of a long journal, a part of them.

        A line still being written is left for the next call.

        Raises:
            OSError: the journal cannot be read.
        """
        try:
            file = reader(self._path)
        except FileNotFoundError:
            return []
        with file:
            offset, seq = self.cursor.offset, self.cursor.seq
            if file.seek(0, 2) < offset:
                offset = 0  # it was cut; the next start of the session completes it
            file.seek(offset)
            end, found = offset + _AT_ONCE_BYTES, []
            for line, length in bounded_lines(file):
                if not line.endswith(b"\n") or offset >= end:
                    break
                offset += length
                event = self._wanted(line)
                if event is None:
                    continue
                number = event.get("seq", 0)
                if number > seq or not number:
                    found.append(event)
                    seq = max(seq, number)
            self.cursor = Cursor(offset, seq)
        return found

    def _wanted(self, line: bytes) -> Event | None:
        kind = line[len(_PREFIX) : line.find(b'"', len(_PREFIX), len(_PREFIX) + _LONGEST_KIND)]
        if not line.startswith(_PREFIX) or kind not in self._kinds:
            return None
        try:
            event = checked(line)
        except Malformed:
            return None  # counted and told by whoever shows the journal
        return event if type(event.get("seq", 0)) is int else None

    def _skip_to_end(self) -> None:
        """Take everything written so far as read."""
        try:
            with reader(self._path) as file:
                size = file.seek(0, 2)
        except FileNotFoundError:
            return
        self.cursor = Cursor(max(size - _TAIL_BYTES, 0))
        while self.cursor.offset < size and self.new():
            pass
        self.cursor = Cursor(size, self.cursor.seq)
