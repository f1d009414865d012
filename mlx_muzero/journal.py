"""The run's journal: one JSON object a line, appended and never rewritten (design 5).

Watchers read it while the run writes it. A line that a killed process left unfinished is closed
when the run goes on, and readers skip it.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlx_muzero.json_values import finite

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


class Journal:
    """Appends events to `path`; the only writer of that file."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock

    def append(self, event: str, **facts: Any) -> None:
        """Add one event with its wall time; one write call, so lines are never interleaved."""
        line = {"event": event, "time": self._clock().isoformat(), **finite(facts)}
        data = json.dumps(line, allow_nan=False).encode() + b"\n"
        if self._ends_in_torn_line():
            data = b"\n" + data
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _ends_in_torn_line(self) -> bool:
        try:
            with self._path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:
            return False


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal, oldest first; lines that are not whole JSON objects are skipped."""
    with path.open("rb") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                yield event
