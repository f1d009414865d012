"""The replay feed: every pair, minute by minute, never early, at any speed."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets import quoted_bars
from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.feeds.events import BarClosed, GapFilled
from mlx_muzero.paper.feeds.replay import ReplayFeed
from mlx_muzero.timeunits import MINUTE_NS
from virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, collect, run

FRIDAY_1659_NS = MONDAY_NS + ((4 * 24 + 21) * 60 + 59) * MINUTE_NS  # New York, winter time


def series(symbol, minutes, start_ns=MONDAY_NS):
    times = start_ns + np.asarray(minutes, np.int64) * MINUTE_NS
    price = 100.0 + np.arange(len(times))
    return Bars(symbol, times, price, price + 1, price - 1, price, np.ones(len(times)))


def replayed(bars, first=None, **options):
    """All events of a replay, and the loop's time at each in seconds."""

    async def main():
        clock = VirtualClock()
        feed = ReplayFeed(bars, clock=clock, **options)
        events, times = [], []
        async with feed.subscribe(first or dict.fromkeys(b.symbol for b in bars)) as stream:
            async for event in stream:
                events.append(event)
                times.append(clock.monotonic_ns() / SECOND_NS)
        return events, times

    return run(main(), grace_s=0)


@given(
    minutes=st.lists(st.sets(st.integers(0, 40), min_size=1), min_size=1, max_size=4),
)
def test_every_bar_comes_once_in_order_and_pairs_stay_within_a_minute(minutes):
    bars = [series(f"P{i}USDT", sorted(m)) for i, m in enumerate(minutes)]
    events, _ = replayed(bars)
    closed = [e.bar for e in events if isinstance(e, BarClosed)]
    closes = [bar.close_time_ns for bar in closed]
    assert closes == sorted(closes)
    for one in bars:
        mine = [b for b in closed if b.pair == one.symbol]
        assert [b.open_time_ns for b in mine] == one.open_time_ns.tolist()
        assert [b.close for b in mine] == one.close.tolist()
    assert all(b.arrival_time_ns == b.source_time_ns == b.close_time_ns for b in closed)


def test_holes_are_told_before_the_bar_after_them():
    events, _ = replayed([series("BTCUSDT", [0, 1, 5, 6])])
    gap = GapFilled("BTCUSDT", MONDAY_NS + 2 * MINUTE_NS, MONDAY_NS + 5 * MINUTE_NS, 0, 3)
    assert [type(e) for e in events] == [BarClosed, BarClosed, GapFilled, BarClosed, BarClosed]
    assert events[2] == gap


def test_a_weekend_is_no_hole_for_fx_and_one_for_crypto():
    minutes = [0, 47 * 60 + 1]  # to Sunday 17:00 New York, an hour less: summer time begins
    kinds = {
        pair: [type(e) for e in replayed([series(pair, minutes, FRIDAY_1659_NS)])[0]]
        for pair in ("USDJPY", "BTCUSDT")
    }
    assert kinds["USDJPY"] == [BarClosed, BarClosed]
    assert kinds["BTCUSDT"] == [BarClosed, GapFilled, BarClosed]


@pytest.mark.parametrize("speed", [1.0, 60.0, math.inf])
def test_speed_sets_the_pace_and_nothing_else(speed):
    bars = [series("BTCUSDT", range(5)), series("ETHUSDT", range(5))]
    events, times = replayed(bars, speed=speed)
    assert events == replayed(bars)[0]
    assert times == pytest.approx([60 / speed * (i // 2) for i in range(10)], abs=1e-6)


def test_history_comes_at_once_and_the_pace_begins_behind_it():
    bars = [series("BTCUSDT", range(6)), series("ETHUSDT", range(6))]
    begin_ns = MONDAY_NS + 3 * MINUTE_NS
    events, times = replayed(bars, speed=2.0, paced_from_ns=begin_ns)
    assert events == replayed(bars)[0]
    assert times == pytest.approx([0, 0, 0, 0, 0, 0, 30, 30, 60, 60, 90, 90], abs=1e-6)


def test_a_start_is_where_the_bars_begin():
    bars = [series("BTCUSDT", range(10)), series("ETHUSDT", range(10))]
    first = {"ETHUSDT": MONDAY_NS + 7 * MINUTE_NS}
    events, _ = replayed(bars, first)
    assert [(e.bar.pair, e.bar.close) for e in events] == [
        ("ETHUSDT", 107.0), ("ETHUSDT", 108.0), ("ETHUSDT", 109.0),
    ]  # fmt: skip
    assert replayed(bars, {"BTCUSDT": MONDAY_NS + 10 * MINUTE_NS}) == ([], [])


def test_a_store_is_replayed_and_let_go(tmp_path):
    path = tmp_path / "market.duckdb"
    with BarStore(path) as store:
        store.write(series("BTCUSDT", range(30)))
        store.write(series("ETHUSDT", range(30)))
    start, end = MONDAY_NS + 10 * MINUTE_NS, MONDAY_NS + 20 * MINUTE_NS
    feed = ReplayFeed.from_store(path, ["BTCUSDT", "ETHUSDT"], start, end)

    async def main():
        with BarStore(path):  # for writing: nobody else has it open
            async with feed.subscribe({"BTCUSDT": None, "ETHUSDT": None}) as events:
                return await collect(events, lambda event: False)

    events = run(main(), grace_s=0)
    assert len(events) == 20
    assert {e.bar.open_time_ns for e in events} == set(range(start, end, MINUTE_NS))


def test_spreads_that_are_only_observed_come_where_they_are_known(tmp_path):
    path = tmp_path / "market.duckdb"
    bars = quoted_bars(30, symbol="USDJPY")
    ask = np.where(np.arange(30) % 3 == 0, bars.extras["open_ask"], np.nan)
    with BarStore(path) as store:
        store.write(replace(bars, extras={}), {"open_ask": ask})

    async def main(feed):
        async with feed.subscribe({"USDJPY": None}) as events:
            return await collect(events, lambda event: False)

    feeds = [ReplayFeed.from_store(path, ["USDJPY"], observed=seen) for seen in (True, False)]
    seen, unseen = ([e.bar.spread for e in run(main(feed), grace_s=0)] for feed in feeds)
    assert [spread is not None for spread in seen] == (np.arange(30) % 3 == 0).tolist()
    assert seen[0] == float(ask[0] - bars.open[0])
    assert unseen == [None] * 30


def test_what_a_replay_cannot_do_is_said():
    async def main():
        async with ReplayFeed([series("BTCUSDT", [0])]).subscribe({"XRPUSDT": None}):
            pass

    with pytest.raises(FeedError, match="asked for XRPUSDT; it holds BTCUSDT"):
        run(main(), grace_s=0)
    with pytest.raises(FeedError, match="not positive"):
        ReplayFeed([], speed=0.0)
