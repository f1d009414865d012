"""Baselines that are booked as arrays trade what accounts do that replay every bar."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, Churn, RandomPolicy, momentum
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.quotes import OPEN_SPREAD
from mlx_muzero.market.series import FUNDING_RATE, Series
from mlx_muzero.paper.records.recorded_bars import RecordedBars
from mlx_muzero.paper.report.baselines import play, play_baselines
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.timeunits import HOUR_NS
from paper_sessions import CONFIG, settings
from replayed_baselines import replayed

FIRST_NS = MONDAY_NS + 20 * HOUR_NS  # two hours before a night of swap
HISTORY, MINUTES = 130, 180
PAIRS = ("USDJPY", "EURJPY")
POLICIES = (BUY_AND_HOLD, Churn(), RandomPolicy(3), momentum(5))


def recorded_pair(paper, config, pair, seed, missing):
    """A pair without a share of its minutes, with holes, quotes and settlements."""
    draw = np.random.default_rng(seed)
    kept = draw.random(HISTORY + MINUTES) >= missing
    hole = draw.integers(HISTORY, HISTORY + MINUTES - 15)
    kept[hole : hole + 15] &= missing == 0.0
    kept[0] = True
    minute = np.flatnonzero(kept)
    close = 110.0 + np.cumsum(draw.integers(-30, 31, len(minute)) / 1000.0)
    opened = np.roll(close, 1) + draw.integers(-5, 6, len(minute)) / 1000.0
    spread = np.where(draw.random((2, len(minute))) < 0.3, np.nan, draw.random((2, len(minute))))
    bars = Bars(
        pair,
        FIRST_NS + (minute - HISTORY) * MINUTE_NS,
        opened,
        np.maximum(opened, close),
        np.minimum(opened, close),
        close,
        np.full(len(minute), np.nan),
        extras={OPEN_SPREAD: spread[0] / 50.0},
    )
    settled = FIRST_NS + np.arange(0, MINUTES, 37) * MINUTE_NS + 5
    rates = draw.normal(0.0, 1e-3, len(settled))
    series = {FUNDING_RATE: Series(pair, FUNDING_RATE, settled, settled, rates)}
    return RecordedPair(RecordedBars(bars, spread[1]), paper, config, FIRST_NS, series)


def market(paper, config, seed, missing=0.0, minutes_missing=0.0):
    """Recorded pairs, and the ends of the minutes that the session marked."""
    recorded = {
        pair: recorded_pair(paper, config, pair, seed + number, missing)
        for number, pair in enumerate(paper.pairs)
    }
    marked = np.random.default_rng(seed).random(MINUTES) >= minutes_missing
    marked[0] = True
    return recorded, FIRST_NS + (np.flatnonzero(marked) + 1) * MINUTE_NS


def assert_same(found, expected):
    """Both traded the same to the bit."""
    np.testing.assert_array_equal(found.profit, expected.profit)
    np.testing.assert_array_equal(found.action_counts, expected.action_counts)
    for column in fields(expected.trades):
        mine, theirs = (getattr(it.trades, column.name) for it in (found, expected))
        np.testing.assert_array_equal(mine, theirs, column.name)
        assert mine.dtype == theirs.dtype, column.name
    for mine, theirs in zip(found.pairs, expected.pairs, strict=True):
        assert (mine.symbol, mine.pip_value) == (theirs.symbol, theirs.pip_value)
        assert mine.last_bar == theirs.last_bar


COSTS = st.sampled_from(
    [
        (),
        ("fills.half_spread_pips=0.7", "fills.fee_bps=0.3", "fills.slippage_pips=0.4"),
        ("fills.cost=quotes", "fills.fee_pips=0.2"),
        ("fills.swap_long_pips=0.9", "fills.swap_short_pips=-0.3"),
        ("fills.funding=fixed", "fills.funding_at=every 1 h", "fills.funding_bps=2.5",
         "fills.swap_long_pips=0.9"),
    ]
)  # fmt: skip
TIMES = st.sampled_from(
    [
        (),
        ("fills.latency_ms=20000",),  # too late for the next open, in time for the one after it
        ("fills.latency_ms=150000", "fills.valid_minutes=2"),  # always expires
        ("fills.latency_ms=90000", "fills.valid_minutes=2"),  # expires in gaps
        ("fills.valid_minutes=1",),
    ]
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*encountered in divide")  # features without a pip
@examples(90)
@given(
    costs=COSTS,
    times=TIMES,
    actions=st.sampled_from(["fx", "targets"]),
    pip_size=st.sampled_from([0.01, 0.0]),
    entries=st.sampled_from([(0, ""), (2, ""), (3, "21:30 UTC")]),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    minutes_missing=st.sampled_from([0.0, 0.3]),
    policy=st.sampled_from(POLICIES),
    seed=st.integers(0, 2**32 - 1),
)
def test_arrays_book_what_accounts_do(
    costs, times, actions, pip_size, entries, missing, minutes_missing, policy, seed
):
    most, start = entries
    trading = replace(CONFIG.trading, actions=actions)
    own = replace(CONFIG.market, pip_size=pip_size, session_bars=40, session_start=start)
    config = replace(CONFIG, trading=trading, market=own)
    paper = settings(PAIRS, *costs, *times, f"risk.max_entries={most}")
    recorded, close_ns = market(paper, config, seed, missing, minutes_missing)
    found = play(policy, recorded, close_ns, paper)
    assert_same(found, replayed(policy, recorded, close_ns, paper))


def test_a_pair_without_a_bar_in_the_session_is_flat():
    paper = settings(PAIRS)
    recorded, close_ns = market(paper, CONFIG, 4)
    history = recorded["EURJPY"].bars
    cut = RecordedBars(history.market.slice(0, HISTORY), history.close_spread[:HISTORY])
    recorded["EURJPY"] = RecordedPair(cut, paper, CONFIG, FIRST_NS, {})
    for policy in POLICIES:
        found = play(policy, recorded, close_ns, paper)
        assert_same(found, replayed(policy, recorded, close_ns, paper))
        assert set(found.trades.pair.tolist()) == {0}
        assert (found.pairs[1].pip_value, found.pairs[1].last_bar) == (0.0, -1)


def test_the_four_baselines_play_every_bar_and_only_hold_is_left_open():
    paper = settings(PAIRS)
    recorded, close_ns = market(paper, CONFIG, 4)
    ticks = []
    found = play_baselines(recorded, close_ns, paper, ticks.append)
    assert list(found) == ["buy_and_hold", "random", "momentum_60", "mean_reversion_60"]
    assert sum(ticks) == 4 * len(PAIRS) * MINUTES
    held = found["buy_and_hold"].trades
    assert held.still_open.tolist() == [True, True]
    assert len(found["random"].trades) > 40
