"""The learning curve in a run's journal: what validations earned, by seconds since the start."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Point:
    """One validation.

    Attributes:
        seconds: from the start of ``train``, its own start-up included.
        net_pips: a session of the validation split.
    """

    seconds: float
    net_pips: float


def learning_curve(run: Path, began: float) -> list[Point]:
    """The validations of `run`, whose command was started at `began`, seconds since 1970."""
    lines = (json.loads(line) for line in (run / "journal.jsonl").open())
    return [
        Point(
            datetime.fromisoformat(event["time"]).timestamp() - began,
            event["metrics"]["net_pips_per_session"],
        )
        for event in lines
        if event["event"] == "validated"
    ]


def seconds_to(curve: list[Point], net_pips: float) -> float | None:
    """Seconds to the first of two successive validations at `net_pips`; None if there is none."""
    reached = (
        first.seconds
        for first, second in pairwise(curve)
        if min(first.net_pips, second.net_pips) >= net_pips
    )
    return next(reached, None)
