"""Turns a venue's points of a series into ours: when a value is known, and which ones are usable.

A settlement is known when it happens. The figure of an interval, such as open interest, is known at
the end of the interval; venues do not say whether they stamp its start or end, so a stamp counts as
the start.
"""

import numpy as np

from mlx_muzero.market.series import FUNDING_RATE, OPEN_INTEREST, Series, nearest_minute
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.page import Page

KNOWN_LATER_NS = {FUNDING_RATE: 0, OPEN_INTEREST: 5 * MINUTE_NS}
"""From a venue's stamp to the time from which the value is known, by series."""


ROW_MINUTES = {FUNDING_RATE: 60, OPEN_INTEREST: 5}
"""Minimum time between two points, by series."""

_LATE = "late_ns"  # column: a point's time minus the nearest whole minute


def on_minutes(page: Page) -> Page:
    """The usable points of `page` at whole minutes, which identify them, for a `Pager`."""
    page = usable(page)
    nearest = nearest_minute(page.open_time_ns) * MINUTE_NS
    return Page(nearest, {**page.columns, _LATE: (page.open_time_ns - nearest).astype(float)})


def usable(page: Page) -> Page:
    """The points whose time and value can be read."""
    if not len(page):
        return page
    return page.where((page.open_time_ns >= 0) & np.isfinite(page.columns["value"]))


def points_of(symbol: str, name: str, page: Page) -> Series:
    """The series `name` of `symbol`, from the usable points of `page`, maybe `on_minutes`."""
    page = usable(page)
    if not len(page):
        return Series.empty(symbol, name)
    event_ns = page.open_time_ns
    if _LATE in page.columns:
        event_ns = event_ns + page.columns[_LATE].astype(np.int64)
    return Series.of(symbol, name, event_ns, event_ns + KNOWN_LATER_NS[name], page.columns["value"])
