"""How results are spread over time and trades: by year, by month, and in the best few trades."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.luck.course import Course
from mlx_muzero.types import F64, I64

BEST_TRADES = 5


@dataclass(frozen=True)
class Stretch:
    """One year or month.

    Attributes:
        sessions: sessions or days that began in it.
        trades: round trips of these.
        net_pips: that they earned.
    """

    sessions: int
    trades: int
    net_pips: float


def by_period(course: Course, unit: str) -> Mapping[str, Stretch]:
    """Results by UTC year ("Y", as ``2024``) or month ("M", ``2024-03``), the earliest first."""

    def periods(times_ns: I64) -> np.ndarray:
        return times_ns.astype("datetime64[ns]").astype(f"datetime64[{unit}]")

    names, place = np.unique(periods(course.begun_ns), return_inverse=True)
    sessions = np.bincount(place, minlength=len(names))
    trips = np.searchsorted(names, periods(course.trips_ns))
    count = np.bincount(trips, minlength=len(names))
    net = np.bincount(place, course.net_pips, minlength=len(names))
    rows = zip(names.astype(str).tolist(), sessions.tolist(), count.tolist(), net, strict=True)
    return {name: Stretch(n, made, float(pips)) for name, n, made, pips in rows}


def best_share(round_trip: I64, net_pips: F64, best: int = BEST_TRADES) -> float | None:
    """Share of the profit that the best few round trips earned; None where there is no profit.

    Args:
        round_trip: ``i64[N]`` that each trade belongs to.
        net_pips: ``f64[N]`` of each trade.
        best: how many.
    """
    net = np.bincount(round_trip, net_pips)
    total = float(net.sum())
    return float(np.sort(net)[-best:].sum()) / total if total > 0.0 else None
