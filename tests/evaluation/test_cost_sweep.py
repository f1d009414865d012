"""Trades paid for at other costs: the same fills, another bill."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import FLAT_POLICY, RandomPolicy, momentum
from mlx_muzero.evaluation.cost_sweep import LEVELS, sweep_costs
from mlx_muzero.trading.core import TradingCore, TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS
from mlx_muzero.trading.recosting import recosted

FX = TradingRules(FX_ACTIONS, 0.01, Costs(4.0), "mark_to_market")
CRYPTO = TradingRules(TARGET_ACTIONS, 0.0, Costs(0.0, 6.0), "mark_to_market")


def played(rules, seed, steps=40, accounts=3):
    """Accounts that take random legal actions along random prices; the trades they made."""
    rng = np.random.default_rng(seed)
    price = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (steps + 1, accounts)), axis=0))
    core = TradingCore(rules, accounts)
    core.reset(price[0], np.zeros(accounts, np.int64))
    for step in range(steps):
        legal = rules.table.legal_mask(core.position)
        action = (rng.random(legal.shape) * legal).argmax(axis=1).astype(np.int32)
        bar = np.full(accounts, step)
        core.step(action, price[step], price[step + 1], bar, step + 1 == steps)
    return core.ledger.trades()


@examples(25)
@given(
    st.sampled_from([FX, CRYPTO]),
    st.integers(0, 10_000),
    st.floats(0, 9),
    st.floats(0, 20),
)
def test_the_same_fills_at_other_costs_pay_what_the_core_would_charge(rules, seed, pips, bps):
    other = dataclasses.replace(rules, costs=Costs(pips, bps))
    charged = played(other, seed)
    paid = recosted(played(rules, seed), other.costs, rules.pip_size)
    np.testing.assert_allclose(paid.cost_pips, charged.cost_pips, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(paid.gross_pips, charged.gross_pips)


def test_resized_exposure_turns_over_its_difference_alone():
    core = TradingCore(CRYPTO, 1)
    price = np.full(1, 100.0)
    core.reset(price, np.zeros(1, np.int64))
    # Up to 0.3, to 1.0, down to 0.6, over to -0.6, and closed at the end.
    for step, action in enumerate((1, 3, 2, 5)):
        core.step(np.array([action], np.int32), price, price, np.array([step]), step == 3)
    trades = core.ledger.trades()
    assert trades.turnover.sum() == pytest.approx(0.3 + 0.7 + 0.4 + 0.6 + 0.6 + 0.6)
    assert trades.previous.tolist() == [-1, 0, 1, -1]


@pytest.fixture
def fx_sweep(small_dataset):
    starts = small_dataset.evaluation_starts("test", 8)
    policies = (RandomPolicy(0), momentum(5), FLAT_POLICY)
    backtests = {p.name: backtest(p, small_dataset, FX, starts) for p in policies}
    return backtests, sweep_costs(backtests, FX)


def test_a_sweep_meets_the_backtest_at_the_cost_it_was_decided_at(fx_sweep):
    backtests, sweep = fx_sweep
    assert (sweep.cost, sweep.decided_at, len(sweep.levels)) == ("round_trip", 4.0, LEVELS)
    assert (sweep.levels[0], sweep.levels[-1]) == (0.0, 4.0)
    for name, curve in sweep.curves.items():
        m = backtests[name].metrics
        ends = (curve.net[-1], curve.low[-1], curve.high[-1])
        wanted = (m.net_pips_per_session, m.net_pips_low, m.net_pips_high)
        assert ends == pytest.approx(wanted)
        assert curve.net[0] == pytest.approx(m.gross_pips / m.sessions)


def test_trades_break_even_where_their_net_is_nothing(fx_sweep):
    backtests, sweep = fx_sweep
    for name in ("random", "momentum_5"):
        curve, m = sweep.curves[name], backtests[name].metrics
        assert curve.break_even == pytest.approx(m.gross_pips / m.trades)  # FX pays by the trade
        assert curve.break_even_low <= curve.break_even <= curve.break_even_high
    assert sweep.curves["flat"].break_even is None
    assert set(sweep.curves["flat"].net) == {0.0}


def test_a_higher_cost_of_the_run_is_swept_too(small_dataset):
    dear = dataclasses.replace(FX, costs=Costs(7.0))
    starts = small_dataset.evaluation_starts("test", 2)
    sweep = sweep_costs({"m": backtest(momentum(5), small_dataset, dear, starts)}, dear)
    assert sweep.levels[-1] == sweep.decided_at == 7.0
