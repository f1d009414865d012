"""The run's journal: one JSON object per line, appended and never rewritten (ADR 20).

Watchers read it while the run writes it. A partial line left by a killed process is terminated
when the run resumes, and readers skip it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlx_muzero.files.regular import reader
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.untrusted.json_values import parsed, strict_json

JOURNAL = "journal.jsonl"
"""Its name in a run's folder."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


def number(event: dict[str, Any]) -> int:
    """The event's sequence number within its session; 0 if it has none."""
    found = event.get("seq")
    return found if type(found) is int else 0


class Journal:
    """Appends events to `path` as its only writer; None discards them."""

    def __init__(self, path: Path | None, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock

    def now(self) -> str:
        """The current time, as `append` writes it."""
        return self._clock().isoformat()

    def append(self, event: str, **facts: Any) -> None:
        """Append one event with its time, which is now unless given in `facts`.

        Written in one call, so lines never interleave.
        """
        if self._path is None:
            return
        line = {"event": event, "time": self.now(), **facts}
        append_line(self._path, strict_json(line).encode())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events in a journal, oldest first, without lines that are not complete JSON objects."""
    with reader(path) as file:
        yield from events(file)


def events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events in `lines`."""
    for line in lines:
        try:
            event = parsed(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event
