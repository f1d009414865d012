"""Whenever settlements and bars come, each is paid in the bar that the record says, and once."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.market.funding_rates import FundingRates, funding_paid
from mlx_muzero.market.series import (
    BOOK_IMBALANCE,
    FUNDING_ANNOUNCED,
    FUNDING_RATE,
    OPEN_INTEREST,
    TRADE_COUNT,
    Series,
)
from mlx_muzero.paper.batched_search import Trader
from mlx_muzero.paper.context import SessionContext, series_of
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.observation import Observer
from mlx_muzero.paper.records.transaction import Transaction
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from paper_sessions import columns_of

PAIR = "BTCUSDT"
MARKET = replace(CRYPTO.market, symbols=(PAIR,), timeframes=("5m",), window_bars=3)
MINUTES = 40
BEGIN_NS = 1_741_000_000 // 60 * 60 * 10**9


def at(minute):
    return BEGIN_NS + minute * MINUTE_NS


def bar(minute):
    return LiveBar(PAIR, at(minute), 1.0, 1.0, 1.0, 1.0, 1.0, None, at(minute + 1))


def begun():
    """An observer and what it reads of the series."""
    observer = Observer(MARKET, PAIR)
    return observer, SessionContext({PAIR: Trader(None, observer)})


def restarted(observer, context):
    """Both as another process has them, which read the last bar from the store."""
    state, last_ns = context.state(), observer.last_open_ns
    observer, context = begun()
    context.restore(state)
    if last_ns is not None:
        observer.push(bar((last_ns - BEGIN_NS) // MINUTE_NS))
    return observer, context


# Per settlement: its minute, a stamp's milliseconds, and how many minutes late it comes.
SETTLED = st.lists(
    st.tuples(st.integers(1, MINUTES - 10), st.integers(-20, 20), st.integers(0, 9)),
    unique_by=lambda settled: settled[0],
    max_size=6,
)


@given(SETTLED, st.sets(st.integers(1, MINUTES - 3)), st.sets(st.integers(1, MINUTES)))
def test_every_settlement_is_paid_where_the_record_says(settled, quiet, restarts):
    observer, context = begun()
    rows, opens, paid = [], [], []
    arrivals = {}
    newest = 0
    for minute, late_ms, delay in sorted(settled):
        newest = max(newest, minute + delay)  # a venue lists them in order
        arrivals.setdefault(newest, []).append(at(minute) + late_ms * 1_000_000)
    for minute in range(MINUTES):
        if minute in restarts:
            observer, context = restarted(observer, context)
        for stamp_ns in arrivals.get(minute, ()):
            times = np.array([stamp_ns])
            points = Series(PAIR, FUNDING_RATE, times, times, np.array([1.0 + len(rows)]))
            came = Transaction(0)
            decided_ns = opens[-1] + MINUTE_NS if opens else 0
            for _ in range(2):  # a venue repeats itself
                context.take(PAIR, points, decided_ns, came)
            rows += came.rows.get("points", [])
        if minute not in quiet:
            opens.append(at(minute))
            paid.append(observer.push(bar(minute)).paid)
    found = series_of(columns_of("points", rows)).get(PAIR, {})
    recorded = found.get(FUNDING_RATE, Series.empty(PAIR, FUNDING_RATE))
    np.testing.assert_array_equal(paid, funding_paid(np.array(opens), recorded))
    assert len(recorded) == len(settled)
    assert sum(paid) == recorded.value.sum()


# Per announcement: the second in which it is heard, how many minutes ahead its settlement is, and
# how many minutes late the session takes it.
HEARD = st.lists(
    st.tuples(st.integers(60, 60 * (MINUTES - 2)), st.integers(0, 20), st.integers(0, 5)),
    unique_by=lambda heard: heard[0],
    max_size=12,
)


@given(HEARD, st.sets(st.integers(1, MINUTES - 3)), st.sets(st.integers(1, MINUTES)))
def test_every_announcement_counts_where_the_record_says(heard, quiet, restarts):
    observer, context = begun()
    rows, opens, announced, arrivals, newest = [], [], [], {}, 0
    for second, ahead, late in sorted(heard):
        newest = max(newest, second // 60 + late)
        arrivals.setdefault(newest, []).append((at(0) + second * SECOND_NS, ahead))
    for minute in range(MINUTES):
        if minute in restarts:
            observer, context = restarted(observer, context)
        if minute not in quiet:
            for known_ns, ahead in arrivals.pop(minute, ()):
                due_ns, rate = known_ns + ahead * MINUTE_NS, 1e-4 * (1 + len(rows))
                times = np.array([due_ns]), np.array([known_ns])
                came = Transaction(0)
                points = Series(PAIR, FUNDING_ANNOUNCED, *times, np.array([rate]))
                decided_ns = opens[-1] + MINUTE_NS if opens else 0
                context.take(PAIR, points, decided_ns, came)
                taken = came.rows.get("points", [])
                assert all(row["known_ns"] > decided_ns for row in taken)
                rows += taken
            opens.append(at(minute))
            announced.append(observer.push(bar(minute)).announced)
        elif minute + 1 < MINUTES:  # what comes while no bar does waits for the next one
            arrivals.setdefault(minute + 1, [])[:0] = arrivals.pop(minute, [])
    recorded = series_of(columns_of("points", rows)).get(PAIR, {})
    np.testing.assert_array_equal(announced, FundingRates.of(np.array(opens), recorded).announced)


@pytest.mark.parametrize(
    ("name", "closed", "taken"),
    [
        # A book of two minutes ago is too old for the next decision, at the end of minute 30.
        (BOOK_IMBALANCE, [26, 27], []),
        (BOOK_IMBALANCE, [27, 28, 29], [28, 29]),
        (OPEN_INTEREST, [10, 15, 20, 25], [15, 20, 25]),
        (FUNDING_RATE, [1, 15], [1, 15]),
        (TRADE_COUNT, [1, 2], [1, 2]),
    ],
)
def test_what_comes_when_it_is_too_old_does_not_count_as_new(name, closed, taken):
    context = SessionContext({PAIR: Trader(None, Observer(MARKET, PAIR))})
    known_ns = np.array([at(minute) for minute in closed])
    points = Series(PAIR, name, known_ns - MINUTE_NS, known_ns, np.ones(len(closed)))
    came = Transaction(0)
    context.take(PAIR, points, at(29), came)
    rows = came.rows.get("points", [])
    assert [(row["event_ns"] + MINUTE_NS - BEGIN_NS) // MINUTE_NS for row in rows] == taken
