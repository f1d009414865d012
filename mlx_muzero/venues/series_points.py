"""Turns a venue's points of a series into ours: when a value is known, and which ones are usable.

A settlement is known when it happens. The figure of an interval, such as open interest, is known at
the end of the interval; venues do not say whether they stamp its start or end, so a stamp counts as
the start.
"""

import numpy as np

from mlx_muzero.market.series import FUNDING_RATE, OPEN_INTEREST, Series
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.page import Page

KNOWN_LATER_NS = {FUNDING_RATE: 0, OPEN_INTEREST: 5 * MINUTE_NS}
"""From a venue's stamp to the time from which the value is known, by series."""


def usable(page: Page) -> Page:
    """The points whose time and value can be read."""
    if not len(page):
        return page
    return page.where((page.open_time_ns >= 0) & np.isfinite(page.columns["value"]))


def points_of(symbol: str, name: str, page: Page) -> Series:
    """The series `name` of `symbol`, from the usable points of `page`."""
    page = usable(page)
    if not len(page):
        return Series.empty(symbol, name)
    event_ns = page.open_time_ns
    return Series.of(symbol, name, event_ns, event_ns + KNOWN_LATER_NS[name], page.columns["value"])
