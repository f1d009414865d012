"""Whenever settlements and bars come, each is paid in the bar that the record says, and once."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.market.observation.context import funding_paid
from mlx_muzero.market.series import FUNDING_RATE, Series
from mlx_muzero.paper.batched_search import Trader
from mlx_muzero.paper.context import SessionContext, series_of
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.observation import Observer
from mlx_muzero.paper.records.transaction import Transaction
from mlx_muzero.timeunits import MINUTE_NS

PAIR = "BTCUSDT"
MARKET = replace(CRYPTO.market, symbols=(PAIR,), timeframes=("5m",), window_bars=3)
MINUTES = 40
BEGIN_NS = 1_741_000_000 // 60 * 60 * 10**9


def at(minute):
    return BEGIN_NS + minute * MINUTE_NS


def bar(minute):
    return LiveBar(PAIR, at(minute), 1.0, 1.0, 1.0, 1.0, 1.0, None, at(minute + 1))


# Per settlement: its minute, a stamp's milliseconds, and how many minutes late it comes.
SETTLED = st.lists(
    st.tuples(st.integers(1, MINUTES - 10), st.integers(-20, 20), st.integers(0, 9)),
    unique_by=lambda settled: settled[0],
    max_size=6,
)


@given(SETTLED, st.sets(st.integers(1, MINUTES - 3)), st.sets(st.integers(1, MINUTES)))
def test_every_settlement_is_paid_where_the_record_says(settled, quiet, restarts):
    observer = Observer(MARKET, PAIR)
    context = SessionContext({PAIR: Trader(None, observer)})
    rows, opens, paid = [], [], []
    arrivals = {}
    newest = 0
    for minute, late_ms, delay in sorted(settled):
        newest = max(newest, minute + delay)  # a venue lists them in order
        arrivals.setdefault(newest, []).append(at(minute) + late_ms * 1_000_000)
    for minute in range(MINUTES):
        if minute in restarts:
            state, last_ns = context.state(), observer.last_open_ns
            observer = Observer(MARKET, PAIR)
            context = SessionContext({PAIR: Trader(None, observer)})
            context.restore(state)
            if last_ns is not None:
                observer.push(bar((last_ns - BEGIN_NS) // MINUTE_NS))
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
            paid.append(observer.push(bar(minute)))
    recorded = series_of(rows)[PAIR][FUNDING_RATE] if rows else Series.empty(PAIR, FUNDING_RATE)
    np.testing.assert_array_equal(paid, funding_paid(np.array(opens), recorded))
    assert len(recorded) == len(settled)
    assert sum(paid) == recorded.value.sum()
