"""What can be told of a stored series: how regular it is, and how often it was unknown."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.series import Series, max_age_ns
from mlx_muzero.timeunits import MINUTE_NS


@dataclass(frozen=True)
class SeriesReport:
    """One series, by the times its values became known.

    Attributes:
        name: name of the series.
        points: number of points.
        first_ns: first time, UTC.
        last_ns: last time.
        usual_minutes: median time from one point to the next.
        max_age_minutes: how long a value counts as known.
        holes: times between points longer than that, in which nothing is known.
        longest_hole_minutes: longest time between two points.
        lowest: least value.
        highest: greatest value.
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
    """What there is of `series`, at least one point."""
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
