"""After days away, every settlement comes once, however a venue pages."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from market_source import MarketSource
from mlx_muzero.market.series import FUNDING_RATE
from mlx_muzero.paper.feeds.series import SeriesFeed
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import DAY_NS, HOUR_NS
from mlx_muzero.venues.cooldown import Cooldown
from mlx_muzero.venues.source import Refused
from mlx_muzero.venues.venue_clock import VenueClock
from virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, run

START_NS = MONDAY_NS + 10 * HOUR_NS + 30 * SECOND_NS
PAIR = "BTC/USDT:USDT"


def first_of(page, count):
    return page.where(np.arange(len(page)) < count)


def last_of(page, count):
    return page.where(np.arange(len(page)) >= len(page) - count)


@pytest.mark.parametrize(
    ("cut", "cap", "most"),
    [(first_of, 200, 200), (first_of, 100, 200), (last_of, 100, 200), (last_of, 60, 100)],
    ids=["oldest", "oldest, fewer", "newest first", "newest first, refusing many"],
)
def test_every_settlement_comes_once(cut, cap, most):
    async def main():
        clock = VirtualClock(START_NS)
        source = MarketSource(clock)
        source.every[FUNDING_RATE] = 60
        points = source.points

        async def cut_off(pair, series, start_ns, count, end_ns=None):
            if count > most:
                raise Refused(f"at most {most}")
            page = await points(pair, series, start_ns, 10**6)
            if end_ns is not None:
                page = page.within(0, end_ns)
            return cut(page, min(count, cap))

        source.points = cut_off
        came, venue = [], VenueClock(clock, SECOND_NS)
        outbox = SimpleNamespace(put=came.extend)
        await venue.measure(lambda: source.time(PAIR), 1)
        cooldown, settings = Cooldown(clock), FeedSettings()
        shared = Subscription(source, venue, clock, cooldown, outbox, lambda: 0.5, settings)
        first_ns = START_NS - 7 * DAY_NS
        feed = SeriesFeed(PAIR, FUNDING_RATE, source, first_ns, shared)
        running = asyncio.create_task(feed.run())
        await feed.began.wait()
        await clock.sleep(2 * HOUR_NS)
        running.cancel()
        return came

    stamps = [int(e) for event in run(main(), grace_s=0) for e in event.points.event_ns]
    hours = [stamp // HOUR_NS for stamp in stamps]
    assert hours == list(range(hours[0], hours[-1] + 1))
    assert hours[0] == (START_NS - 7 * DAY_NS) // HOUR_NS + 1
    assert hours[-1] == START_NS // HOUR_NS + 2
