"""Daily returns of a session and of its baselines: what QuantStats and pandas expect."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.trading.costs import BASIS_POINT


def daily_returns(played: Mapping[str, Performance]) -> dict[str, npt.NDArray[Any]]:
    """The column `date`, and for each policy its returns ``f64[D]`` of the days played.

    They are fractions of what an exposure of 1 in every pair is worth. A trading day, which begins
    at 17:00 New York, has the date on which it ends.

    Args:
        played: by policy, all in the same minutes.
    """
    days_ns = next(iter(played.values())).days_ns
    date = (days_ns + DAY_NS - 1) // DAY_NS * DAY_NS
    return {"date": date.astype("datetime64[ns]")} | {
        name: each.days_bps * BASIS_POINT / len(each.pairs) for name, each in played.items()
    }
