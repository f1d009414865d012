"""The run's journal: one JSON object a line, appended and never rewritten (ADR 20).

Watchers read it while the run writes it. A line that a killed process left unfinished is closed
when the run goes on, and readers skip it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlx_muzero.files.regular import reader
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.untrusted.json_values import finite, parsed

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


def number(event: dict[str, Any]) -> int:
    """The event's number in its session's order; 0 if it has none."""
    found = event.get("seq")
    return found if type(found) is int else 0


class Journal:
    """Appends events to `path`, of which it is the only writer; with None it keeps nothing."""

    def __init__(self, path: Path | None, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock

    def now(self) -> str:
        """What `append` gives an event as its wall time."""
        return self._clock().isoformat()

    def append(self, event: str, **facts: Any) -> None:
        """Add one event with its wall time, now unless `facts` have it.

        One write call, so lines are never interleaved.
        """
        if self._path is None:
            return
        line = {"event": event, "time": self.now(), **finite(facts)}
        append_line(self._path, json.dumps(line, allow_nan=False).encode())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal, oldest first; lines that are not whole JSON objects are skipped."""
    with reader(path) as file:
        yield from events(file)


def events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events among `lines`."""
    for line in lines:
        try:
            event = parsed(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event
