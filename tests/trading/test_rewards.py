"""AMDDP1 and the action rewards against a scalar transcription of the code FX prints."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.trading.core import TradingCore, TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import TARGET_ACTIONS
from mlx_muzero.trading.rewards import Sharpe, amddp1, reward_function


def fx_amddp1(pnl_pips):
    if pnl_pips > 0:
        if pnl_pips < 10:
            return 1.0 + pnl_pips * 0.05
        if pnl_pips < 30:
            return 1.5 + (pnl_pips - 10) * 0.025
        return 2.0 + math.tanh((pnl_pips - 30) / 50)
    pnl_abs = abs(pnl_pips)
    if pnl_abs < 10:
        return -1.0 - pnl_abs * 0.1
    if pnl_abs < 30:
        return -2.0 - (pnl_abs - 10) * 0.05
    return -3.0 - math.tanh((pnl_abs - 30) / 30)


def fx_action_reward(action, position, entry_price, current_price):
    if action == 0:
        reward = 0.0 if position != 0 else -0.05
    elif action in (1, 2):
        reward = 1.0 if position == 0 else -1.0
    elif position != 0:
        sign = 1 if position == 1 else -1
        reward = fx_amddp1(sign * (current_price - entry_price) * 100 - 4)
    else:
        reward = -0.5
    return min(max(reward, -3.0), 3.0)


BOUNDARIES = [0.0, -0.0, 1e-12, 10.0, 30.0, np.nextafter(10, 0), np.nextafter(30, 0), 500.0]


def test_amddp1_on_both_sides_of_every_boundary():
    pips = np.array(BOUNDARIES + [-x for x in BOUNDARIES])
    wanted = [fx_amddp1(x) for x in pips]
    np.testing.assert_allclose(amddp1(pips), wanted, rtol=1e-15)
    assert amddp1(np.zeros(1))[0] == -1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_amddp1_is_the_printed_code(pips):
    np.testing.assert_allclose(amddp1(np.array(pips)), [fx_amddp1(x) for x in pips], rtol=1e-14)


@pytest.mark.parametrize("action", range(4))
@pytest.mark.parametrize("position", [0, 1, 2])
@given(move_pips=st.floats(-200, 200))
def test_action_rewards_are_the_printed_code(action, position, move_pips):
    entry_price, price = 150.0, 150.0 + move_pips / 100
    core = TradingCore(TradingRules(), 1)
    core.reset(np.array([entry_price]), np.array([7]))
    if position:
        core.step(
            np.array([position]), np.array([entry_price]), np.array([price]), np.array([7]), False
        )
    reward = core.step(
        np.array([action]), np.array([price]), np.array([price + 1]), np.array([8]), False
    )
    side = {0: 0, 1: 1, 2: -1}[position]
    # 1/0.01 and *100 differ by rounding, which amddp1 magnifies only at its jump at 0 pips.
    if abs(abs(move_pips) - 4) > 1e-6:
        assert reward[0] == pytest.approx(
            fx_action_reward(action, side, entry_price, price), abs=1e-6
        )


def test_forced_close_is_added_to_the_action_reward_and_clipped():
    core = TradingCore(TradingRules(), 3)
    start = np.full(3, 150.0)
    core.reset(start, np.zeros(3, int))
    # BUY then +24 pips: 20 net; BUY then -56 pips: 60 lost; flat.
    reward = core.step(
        np.array([1, 1, 0]), start, np.array([150.24, 149.44, 151.0]), np.zeros(3, int), True
    )
    wanted = [1 + fx_amddp1(20), 1 + fx_amddp1(-60), -0.05]
    np.testing.assert_allclose(reward, np.clip(wanted, -3, 3), rtol=1e-6)
    assert (core.position == 0).all()
    assert core.ledger.trades().forced.all()


def test_mark_to_market_charges_the_cost_on_entry_and_a_pip_for_illegal():
    rules = TradingRules(reward="mark_to_market", reward_scale=0.1)
    core = TradingCore(rules, 2)
    prices = np.array([100.0, 100.0])
    core.reset(prices, np.zeros(2, int))
    zero = np.zeros(2, int)
    reward = core.step(np.array([2, 3]), prices, prices - 0.10, zero, False)
    np.testing.assert_allclose(reward, [0.1 * (10 - 4), 0.1 * -1], rtol=1e-6)
    assert core.position.tolist() == [2, 0]
    reward = core.step(np.array([1, 0]), prices - 0.10, prices - 0.15, zero + 1, False)
    np.testing.assert_allclose(reward, [0.1 * (5 - 1), 0.0], rtol=1e-6)
    assert core.illegal_actions.tolist() == [1, 1]


def test_unknown_scheme():
    with pytest.raises(ValueError, match="sharpe"):
        reward_function("sharpe", 1.0, Sharpe())


def sharpe_core(accounts, **constants):
    rules = TradingRules(
        TARGET_ACTIONS,
        0.0,
        Costs(0.0, 6.0),
        "differential_sharpe",
        reward_scale=0.5,
        sharpe=Sharpe(**constants),
    )
    return TradingCore(rules, accounts)


@examples(30)
@given(seed=st.integers(0, 2**32 - 1), deviation=st.sampled_from([0.01, 20.0]))
def test_differential_sharpe_is_the_derivative_of_the_moving_ratio(seed, deviation):
    rng = np.random.default_rng(seed)
    rate, steps = 0.05, 25
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, steps + 1)))
    core = sharpe_core(1, rate=rate, deviation_pips=deviation)
    core.reset(close[:1], np.zeros(1, int))
    mean, square, equity = 0.0, deviation**2, 0.0

    def ratio(eta, earned):
        moved_mean = mean + eta * (earned - mean)
        moved_square = square + eta * (earned**2 - square)
        return moved_mean / math.sqrt(moved_square - moved_mean**2)

    for t in range(steps):
        action, bar = rng.integers(0, 7, 1), np.array([t])
        reward = core.step(action, close[t : t + 1], close[t + 1 : t + 2], bar, t + 1 == steps)
        earned, equity = core.equity_pips[0] - equity, core.equity_pips[0]
        # Central differences, eta in steps that are small for any spread.
        step = 1e-4 / (1.0 + earned**2 / (square - mean**2))
        gain = (ratio(step, earned) - ratio(-step, earned)) / (2 * step)
        assert reward[0] == pytest.approx(0.5 * gain, rel=1e-3, abs=1e-4)
        mean += rate * (earned - mean)
        square = max(square + rate * (earned**2 - square), mean**2 + deviation**2)


def test_differential_sharpe_begins_at_its_deviation_and_anew_with_every_session():
    core = sharpe_core(2, rate=0.1, deviation_pips=20.0)
    prices, bar = np.array([100.0, 100.0]), np.zeros(2, int)
    for _ in range(2):
        core.reset(prices, bar)
        # 50 bps up on an exposure of 1, less 6 bps for the fill; and nothing.
        reward = core.step(np.array([3, 0]), prices, prices * 1.005, bar, False)
        np.testing.assert_allclose(reward, [0.5 * 44 / 20, 0.0], rtol=1e-6)
    again = core.step(np.array([3, 0]), prices * 1.005, prices * 1.005, bar + 1, False)
    # Earning nothing costs those who had earned, and nobody else.
    assert again[0] < 0 == again[1]


def test_impossible_sharpe_constants():
    for constants in ({"rate": 0.0}, {"rate": 1.5}, {"deviation_pips": 0.0}):
        with pytest.raises(ValueError, match="Sharpe"):
            Sharpe(**constants)
