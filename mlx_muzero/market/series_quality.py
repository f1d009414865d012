"""Checks a stored series: how regular it is, and how often its value is unknown."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.series import Series, max_age_ns
from mlx_muzero.timeunits import MINUTE_NS


@dataclass(frozen=True)
class SeriesReport:
    """Report on one series; times are when its values became known.

    Attributes:
        name: name of the series.
        points: number of points.
        first_ns: UTC time of the first point.
        last_ns: UTC time of the last point.
        usual_minutes: median interval between points.
        max_age_minutes: how long a value stays valid.
        holes: number of longer intervals, during which the value becomes unknown.
        longest_hole_minutes: longest interval between points.
        lowest: smallest value.
        highest: largest value.
    """

    name: str
    points: int
    first_ns: int
    last_ns: int
    usual_minutes: float
    max_age_minutes: float
    holes: int
    longest_hole_minutes: float
    lowest: float
    highest: float


def check_series(series: Series) -> SeriesReport:
    """The report on `series`, which has at least one point."""
    steps = np.diff(series.known_ns)
    max_age = max_age_ns(series.name)
    return SeriesReport(
        name=series.name,
        points=len(series),
        first_ns=int(series.known_ns[0]),
        last_ns=int(series.known_ns[-1]),
        usual_minutes=float(np.median(steps)) / MINUTE_NS if len(steps) else 0.0,
        max_age_minutes=max_age / MINUTE_NS,
        holes=int((steps > max_age).sum()),
        longest_hole_minutes=float(steps.max(initial=0)) / MINUTE_NS,
        lowest=float(series.value.min()),
        highest=float(series.value.max()),
    )
