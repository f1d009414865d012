"""Metrics against hand-made trades; empty and one-sided cases stay valid JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.metrics import action_alarm, expectancy_pips, measure, quality_score
from mlx_muzero.trading.ledger import Trades

NAMES = ("HOLD", "BUY", "SELL", "CLOSE")


def trades_with(net, cost=4.0, bars=5):
    net = np.asarray(net, np.float64)
    n = len(net)
    return Trades(
        account=np.zeros(n, np.int32),
        exposure=np.ones(n),
        entry_bar=np.zeros(n, np.int64),
        exit_bar=np.full(n, bars),
        entry_price=np.zeros(n),
        exit_price=np.zeros(n),
        gross_pips=net + cost,
        cost_pips=np.full(n, cost),
        funding_pips=np.zeros(n),
        forced=np.zeros(n, bool),
    )


def test_by_hand():
    # Two sessions of 10 bars: +10 and -6 pips in the first, +2 in the second.
    equity = np.zeros((2, 10))
    equity[0] = [0, -4, 12, 10, 10, 10, 3, 4, 4, 4]
    equity[1, 5:] = [-4, -1, 2, 2, 2]
    counts = np.array([14, 2, 1, 3])
    m = measure(trades_with([10, -6, 2]), equity, counts, NAMES)
    assert (m.sessions, m.session_bars, m.trades, m.trades_per_session) == (2, 10, 3, 1.5)
    assert m.win_frac == pytest.approx(2 / 3)
    assert m.expectancy_pips == pytest.approx(2 / 3 * 6 - 1 / 3 * 6)
    assert (m.net_pips, m.gross_pips, m.cost_pips) == (6, 18, 12)
    assert m.profit_factor == pytest.approx(2)
    assert m.max_drawdown_pips == pytest.approx(12)  # from 12 to 4 - 4
    assert m.sharpe_sessions_per_year == 374_400 / 10
    assert m.sharpe == pytest.approx(3 / math.sqrt(2) * m.sharpe_factor)
    assert m.net_pips_standard_error == pytest.approx(1)
    assert 2 <= m.net_pips_low <= 3 <= m.net_pips_high <= 4
    assert m.sqn == pytest.approx(math.sqrt(3) * 2 / np.std([10, -6, 2], ddof=1))
    assert m.sortino == math.inf  # both sessions won
    assert m.calmar == pytest.approx(3 * m.sharpe_sessions_per_year / 12)
    assert m.turnover_per_session == pytest.approx(3 * 2 / 2)
    assert m.exposure_frac == pytest.approx(15 / 20)
    assert m.mean_bars_in_trade == 5
    assert m.action_frac == {"HOLD": 0.7, "BUY": 0.1, "SELL": 0.05, "CLOSE": 0.15}
    assert m.alarm == "warning"


def test_no_trades_are_zeros_and_valid_json():
    m = measure(trades_with([]), np.zeros((3, 4)), np.array([12, 0, 0, 0]), NAMES)
    text = json.dumps(m.as_dict(), allow_nan=False)
    assert json.loads(text)["profit_factor"] is None
    numbers = (m.expectancy_pips, m.sharpe, m.sqn, m.max_drawdown_pips, m.net_pips_high)
    assert numbers == (0,) * 5
    assert m.alarm == "critical"


def test_sortino_counts_losing_sessions_alone():
    equity = np.array([[9.0], [-3.0], [-1.0]])
    m = measure(trades_with([9, -3, -1]), equity, np.array([0, 3, 0, 0]), NAMES)
    downside = math.sqrt((9 + 1) / 3)
    assert m.sortino == pytest.approx(5 / 3 / downside * m.sharpe_factor)
    lost = measure(trades_with([-3]), np.array([[-3.0]]), np.array([0, 1, 0, 0]), NAMES)
    assert lost.sortino == pytest.approx(-lost.sharpe_factor)
    assert lost.calmar == pytest.approx(-lost.sharpe_sessions_per_year)


def test_only_wins_have_an_infinite_profit_factor():
    m = measure(trades_with([3]), np.full((1, 1), 3.0), np.array([0, 1, 0, 0]), NAMES)
    assert m.profit_factor == math.inf
    assert json.loads(json.dumps(m.as_dict(), allow_nan=False))["profit_factor"] == "inf"
    assert (m.sharpe, m.sqn) == (0, 0)


@given(st.lists(st.floats(-1e4, 1e4), max_size=300))
def test_expectancy_is_the_mean_trade_and_sqn_its_t_value_capped_at_100(pips):
    net = np.array(pips, np.float64)
    wanted = net.mean() if pips else 0.0
    assert expectancy_pips(net) == pytest.approx(wanted, abs=1e-6)
    if len(pips) > 1 and np.std(net) > 1e-3:
        t_value = net.mean() / np.std(net, ddof=1) * math.sqrt(min(len(net), 100))
        assert quality_score(net) == pytest.approx(t_value)


@pytest.mark.parametrize(
    ("counts", "alarm"),
    [
        ([40, 30, 30, 0], "healthy"),
        ([41, 30, 29, 0], "notice"),
        ([60, 40, 0, 0], "notice"),
        ([61, 39, 0, 0], "warning"),
        ([90, 10, 0, 0], "warning"),
        ([0, 9, 0, 91], "critical"),
        ([0, 0, 0, 0], "healthy"),
    ],
)
def test_alarm_levels(counts, alarm):
    assert action_alarm(np.array(counts)) == alarm


def test_numbers_that_cannot_belong_together():
    with pytest.raises(ValueError, match="add up"):
        measure(trades_with([10]), np.zeros((1, 1)), np.array([1, 0, 0, 0]), NAMES)
    with pytest.raises(ValueError, match="count"):
        measure(trades_with([]), np.zeros((1, 2)), np.array([1, 0, 1]), NAMES)
    with pytest.raises(ValueError, match="at least one"):
        measure(trades_with([]), np.zeros((0, 2)), np.array([0, 0, 0, 0]), NAMES)


def test_interval_is_seeded_and_covers():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(40):
        pips = rng.normal(2, 10, 50)
        m = measure(trades_with(pips), pips[:, None], np.array([0, 50, 0, 0]), NAMES, seed=seed)
        assert m == measure(
            trades_with(pips), pips[:, None], np.array([0, 50, 0, 0]), NAMES, seed=seed
        )
        covered += m.net_pips_low <= 2 <= m.net_pips_high
    assert covered >= 33


def test_sessions_that_start_once_a_day_are_no_more_than_a_year_has_days():
    equity = np.zeros((2, 1200))
    counts = np.array([2400, 0, 0, 0])
    for fx_week, days in ((True, 260), (False, 365)):
        whole = {"fx_week": fx_week, "daily": True}
        m = measure(trades_with([]), equity, counts, NAMES, **whole)
        assert m.sharpe_sessions_per_year == days
    long = np.zeros((2, 2880))
    m = measure(trades_with([]), long, np.array([5760, 0, 0, 0]), NAMES, daily=True)
    assert m.sharpe_sessions_per_year == 130
