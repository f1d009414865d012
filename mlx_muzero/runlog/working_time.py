"""How long processes have worked on a run, by its journal."""

from datetime import datetime
from pathlib import Path
from typing import Any

from mlx_muzero.runlog.journal import read


def minutes_worked(journal: Path) -> float:
    """Minutes from each start of a process to the last line that it wrote, added up.

    0 without a journal. Lines whose time is none are left out, as anyone may have written them.
    """
    total_s = 0.0
    began: datetime | None = None
    last: datetime | None = None
    for event in read(journal) if journal.exists() else ():
        time = _time_of(event)
        if time is None:
            continue
        if event["event"] == "started":
            total_s += _between(began, last)
            began = time
        last = time
    return (total_s + _between(began, last)) / 60.0


def _between(began: datetime | None, last: datetime | None) -> float:
    if began is None or last is None:
        return 0.0
    return max((last - began).total_seconds(), 0.0)


def _time_of(event: dict[str, Any]) -> datetime | None:
    """When an event was, in UTC; None if it does not say."""
    try:
        time = datetime.fromisoformat(event["time"])
    except (KeyError, TypeError, ValueError):
        return None
    return time if time.tzinfo is not None else None
