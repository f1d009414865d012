"""Races of checkpoints: the worse is dropped, the better plays on, and the order is fair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.race import (
    FIRST_SHARE,
    LEAST_SESSIONS,
    first_sessions,
    likely_below,
    race,
    race_order,
)
from mlx_muzero.evaluation.session_groups import SessionGroups
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.trading.rules import TradingRules

RULES = TradingRules()
HOUR_NS = 3_600_000_000_000


def played(pips: np.ndarray, starts: np.ndarray) -> Backtest:
    """A backtest in which the session that starts at s earned ``pips[s]`` by one trade."""
    earned, count = pips[starts], len(starts)
    nothing, bars = np.zeros(count), np.zeros(count, np.int64)
    trades = Trades(
        account=np.arange(count, dtype=np.int32),
        exposure=np.ones(count),
        entry_bar=bars,
        exit_bar=bars + 1,
        entry_price=nothing,
        exit_price=earned,
        gross_pips=earned,
        cost_pips=nothing,
        funding_pips=nothing,
        forced=np.zeros(count, bool),
    )
    spans_ns = np.stack([starts, starts + 1]) * HOUR_NS
    counts = np.zeros(len(RULES.table.action_names), np.int64)
    equity = earned[:, None]
    actions = np.zeros(equity.shape, np.int8)
    return Backtest.of([trades], equity, spans_ns, equity, counts, actions, RULES, fx_week=False)


def raced(pips: np.ndarray, best: np.ndarray | None):
    starts = race_order(np.arange(len(pips)))

    def play(some: np.ndarray) -> Backtest:
        return played(pips, some)

    def score(backtest: Backtest) -> np.ndarray:
        return backtest.equity_pips[:, -1]

    return race(play, starts, score, None if best is None else best[starts], RULES)


@given(st.integers(1, 500))
def test_order_keeps_every_session_and_spreads_the_first(sessions):
    starts = np.arange(sessions) * 7
    order = race_order(starts)
    np.testing.assert_array_equal(np.sort(order), starts)
    first = order[: first_sessions(sessions)]
    assert (np.diff(first) > 0).all()
    assert first[0] == 0
    assert len(first) == 1 or first[-1] == starts[-1]


def test_a_worse_candidate_plays_a_quarter():
    market = np.random.default_rng(0).normal(0.0, 50.0, 400)
    found = raced(market - 1.0, market)
    assert found.dropped
    assert len(found.backtest.equity_pips) == FIRST_SHARE * 400


@pytest.mark.parametrize("better_by", [0.0, 1.0])
def test_any_other_candidate_plays_all(better_by):
    market = np.random.default_rng(0).normal(0.0, 50.0, 400)
    found = raced(market + better_by, market)
    assert not found.dropped
    assert found.backtest.metrics.sessions == 400
    assert found.backtest.equity_pips.sum() == pytest.approx((market + better_by).sum())


def test_the_first_candidate_and_few_sessions_are_never_dropped():
    losses = np.full(400, -10.0)
    assert not raced(losses, None).dropped
    few = LEAST_SESSIONS
    assert not raced(losses[:few], np.zeros(few)).dropped


def test_a_candidate_as_good_as_the_best_is_rarely_dropped():
    rng = np.random.default_rng(1)
    alone = SessionGroups.apart(100)
    dropped = [likely_below(rng.normal(size=100), alone) for _ in range(2000)]
    assert 0.035 < np.mean(dropped) < 0.065


def test_sessions_of_one_hour_are_one_observation():
    hours = np.random.default_rng(0).normal(-1.0, 5.0, 10)
    pairs = np.repeat(hours, 50)
    assert not likely_below(pairs, SessionGroups(np.repeat(np.arange(10), 50)))
    assert likely_below(pairs, SessionGroups.apart(500))
    assert not likely_below(np.full(8, -1.0), SessionGroups(np.zeros(8, np.int64)))


def test_sessions_that_are_played_together_stay_together():
    starts = np.arange(4 * 60)
    order = race_order(starts, 4).reshape(-1, 4)
    np.testing.assert_array_equal(np.sort(order.ravel()), starts)
    np.testing.assert_array_equal(order, order[:, :1] + np.arange(4))
    assert first_sessions(240, 4) % 4 == 0
