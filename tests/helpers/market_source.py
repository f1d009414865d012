"""A venue without sockets: a `venues.source.Source` over the market of `venue.Venue`."""

import asyncio

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.announced_rate import AnnouncedRate
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.source import PairGone, VenueTime
from venue import Venue
from virtual_time import SECOND_NS


def point(pair, series, time_ns):
    """Values of a series of `pair` at whole minutes."""
    minute = time_ns // MINUTE_NS + sum(map(ord, pair))
    return {"funding_rate": 1e-4, "open_interest": 10.0}[series] * (1 + minute % 7)


class MarketSource:
    """Answers as venues do.

    Attributes:
        venue: its market and clock.
        window: it answers with the minutes up to so many after the first one asked for, bars or
            not; None for as many bars as a page has, however far they reach.
        newest_first: the order of an answer.
        gone: pairs it does not have any more.
        fail: called before every answer.
        times: whether it tells the time.
        every: minutes between two points of a series, by name.
        takers: share of a minute's volume that takers bought; NaN if it is not told.
        trades: number of trades of a minute; NaN if it is not told.
        publishes_ns: how long after its stamp a point is there.
        fail_points: called with the name of the series before every answer about one.
        announces: what it announces of a pair's funding at a time; changes every three minutes.
        asked: (pair, first minute) of every request.
    """

    def __init__(self, clock, page_bars=500, window=None):
        self.venue, self.page_bars, self.window = Venue(clock), page_bars, window
        self.newest_first, self.times = False, True
        self.gone, self.asked = set(), []
        self.fail = lambda: None
        self.every = {"funding_rate": 15, "open_interest": 5}
        self.takers = lambda minute: (minute % 11) / 13
        self.trades = lambda minute: float(40 + minute * minute % 17)
        self.publishes_ns = 0
        self.fail_points = lambda name: None
        self.announces = self._next_settlement

    async def fetch(self, pair, start_ns, bars=None, end_ns=None):
        self.asked.append((pair, start_ns // MINUTE_NS))
        await asyncio.sleep(0.02)
        self.fail()
        if pair in self.gone:
            raise PairGone(f"{pair} is not available: delisted")
        minutes = self.venue.minutes(pair, start_ns, bars or self.page_bars)
        if self.window is not None:
            minutes = [m for m in minutes if m < start_ns // MINUTE_NS + self.window]
        await asyncio.sleep(0.02)
        rows = [self._candle(pair, minute) for minute in minutes]
        return rows[::-1] if self.newest_first else rows

    async def points(self, pair, series, start_ns, count, end_ns=None):
        await asyncio.sleep(0.02)
        self.fail_points(series)
        every_ns, now_ns = self.every[series] * MINUTE_NS, self.venue.now_ns()
        first = -(-start_ns // every_ns) * every_ns
        there = np.arange(first, now_ns - self.publishes_ns + 1, every_ns)[:count]
        # Three milliseconds late, as real stamps are.
        return Page(there + 3_000_000, {"value": point(pair, series, there)})

    async def announced(self, pair):
        await asyncio.sleep(0.02)
        self.fail_points("funding_announced")
        return self.announces(pair, self.venue.now_ns())

    def _next_settlement(self, pair, now_ns):
        every_ns = self.every["funding_rate"] * MINUTE_NS
        due_ns = (now_ns // every_ns + 1) * every_ns
        return [AnnouncedRate(due_ns, 1e-5 * (now_ns // (3 * MINUTE_NS) % 11 + len(pair)))]

    async def time(self, pair):
        if pair in self.gone:
            raise PairGone(f"{pair} is not available: delisted")
        if not self.times:
            return None
        await asyncio.sleep(0.02)
        now_ns = self.venue.now_ns()
        await asyncio.sleep(0.02)
        return VenueTime(now_ns, SECOND_NS // 1000)

    async def close(self):
        pass

    def _candle(self, pair, minute):
        *values, volume = self.venue.values(pair, minute)
        bought = self.takers(minute) * volume
        trades = self.trades(minute)
        opened = minute * MINUTE_NS
        return Candle(opened, *values, volume, taker_buy_volume=bought, trades=trades)
