"""What only the journal tells of a session: minutes it missed, and how long decisions took."""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

from mlx_muzero.paper.records.transaction import Row

LATENCIES = ("observe", "search", "orders", "total")
"""Stages of a minute."""


class Journaled(NamedTuple):
    """What events tell.

    Attributes:
        holes: number of periods whose minutes the engine missed, not running or asleep.
        latency_ms: p50 and p99 by stage, over the minutes that planned.
    """

    holes: int
    latency_ms: dict[str, dict[str, float]]

    @classmethod
    def by(cls, events: Iterable[Row]) -> Self:
        """What `events` tell, of which only numbers are kept."""
        holes, planned = 0, {stage: array("d") for stage in LATENCIES}
        for event in events:
            # A quick restart misses no minute.
            holes += event["event"] == "hole" and event["to_ns"] > event["from_ns"]
            if event["event"] != "minute" or not event.get("simulations"):
                continue
            latency = event.get("latency_ms")
            # A journal may come from anywhere: count only entries with every stage.
            if isinstance(latency, dict) and all(
                isinstance(latency.get(stage), int | float) for stage in LATENCIES
            ):
                for stage, found in planned.items():
                    found.append(latency[stage])
        return cls(holes, {stage: _percentiles(found) for stage, found in planned.items() if found})


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(values, q)) for q in (50, 99)}
