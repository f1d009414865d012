"""Conservation of money and the position features, against per-account bookkeeping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.trading.core import POSITION_FEATURES, TradingCore, TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.trading.positions import FX_ACTIONS, ActionTable

TARGETS = ActionTable(
    action_names=("SHORT", "FLAT", "LONG_HALF", "LONG"),
    position_names=("FLAT", "LONG_HALF", "LONG", "SHORT"),
    exposures=np.array([0.0, 0.5, 1.0, -1.0]),
    next_position=np.tile(np.array([3, 0, 1, 2], np.int32), (4, 1)),
)


def play(rules, close, actions, start_bar=100):
    """Play `actions` [B, steps] on `close` [B, steps + 1]; rewards [B, steps] and the core."""
    accounts, steps = actions.shape
    core = TradingCore(rules, accounts)
    core.reset(close[:, 0], np.full(accounts, start_bar))
    rewards = np.empty((accounts, steps))
    for t in range(steps):
        bar = np.full(accounts, start_bar + t)
        rewards[:, t] = core.step(actions[:, t], close[:, t], close[:, t + 1], bar, t + 1 == steps)
    return rewards, core


@examples(60)
@given(
    seed=st.integers(0, 2**32 - 1),
    table=st.sampled_from([FX_ACTIONS, TARGETS]),
    accounts=st.integers(1, 7),
    steps=st.integers(1, 40),
    cost=st.sampled_from([0.0, 4.0]),
    scale=st.sampled_from([1.0, 0.05]),
)
def test_money_is_conserved(seed, table, accounts, steps, cost, scale):
    rng = np.random.default_rng(seed)
    close = 150 + np.cumsum(rng.normal(0, 0.05, (accounts, steps + 1)), axis=1)
    actions = rng.integers(0, len(table.action_names), (accounts, steps))
    rules = TradingRules(table, 0.01, Costs(cost), "mark_to_market", scale)
    rewards, core = play(rules, close, actions)
    trades = core.ledger.trades()
    net = np.bincount(trades.account, trades.net_pips, accounts)
    np.testing.assert_allclose(net, core.equity_pips, atol=1e-7)
    np.testing.assert_allclose(net, core.realized_pips, atol=1e-7)
    np.testing.assert_allclose(
        rewards.sum(axis=1) / scale + core.illegal_actions, net, atol=1e-4 * steps
    )
    assert (core.position == 0).all()
    assert (trades.bars_held > 0).all()


@examples(30)
@given(seed=st.integers(0, 2**32 - 1))
def test_equity_changes_by_the_mark_to_market_reward(seed):
    rng = np.random.default_rng(seed)
    close = 150 + np.cumsum(rng.normal(0, 0.05, (3, 21)), axis=1)
    core = TradingCore(TradingRules(reward="mark_to_market"), 3)
    core.reset(close[:, 0], np.zeros(3, int))
    for t in range(20):
        equity, illegal = core.equity_pips, core.illegal_actions.copy()
        reward = core.step(
            rng.integers(0, 4, 3), close[:, t], close[:, t + 1], np.full(3, t), t == 19
        )
        change = core.equity_pips - equity - (core.illegal_actions - illegal)
        np.testing.assert_allclose(reward, change, atol=1e-4)


@examples(30)
@given(seed=st.integers(0, 2**32 - 1))
def test_position_features_against_a_scalar_account(seed):
    rng = np.random.default_rng(seed)
    close = 150 + np.cumsum(rng.normal(0, 0.2, 31))
    actions = rng.choice(4, 30, p=[0.7, 0.1, 0.1, 0.1])
    core = TradingCore(TradingRules(), 1)
    core.reset(close[:1], np.zeros(1, int))
    side, entry, pnl_path = 0, 0, []
    for t, action in enumerate(actions):
        if side == 0 and action in (1, 2):
            side, entry, pnl_path = (1 if action == 1 else -1), t, [0.0]
        elif side and action == 3:
            side = 0
        core.step(np.array([action]), close[t : t + 1], close[t + 1 : t + 2], np.array([t]), False)
        wanted = np.zeros(6)
        if side:
            pnl_path.append(side * (close[t + 1] - close[entry]) * 100)
            drawdowns = np.maximum.accumulate(pnl_path) - pnl_path
            raw = [pnl_path[-1], t + 1 - entry, drawdowns[-1], drawdowns.max(), drawdowns.sum()]
            wanted = np.array([side, *np.tanh(np.array(raw) / 100)])
        np.testing.assert_allclose(core.position_features()[0], wanted, atol=1e-6)
    assert core.position_features().shape == (1, len(POSITION_FEATURES))


def test_accounts_do_not_depend_on_each_other():
    rng = np.random.default_rng(3)
    close = 150 + np.cumsum(rng.normal(0, 0.05, (5, 61)), axis=1)
    actions = rng.integers(0, 4, (5, 60))
    together, core = play(TradingRules(), close, actions)
    for b in range(5):
        alone, single = play(TradingRules(), close[b : b + 1], actions[b : b + 1])
        np.testing.assert_array_equal(alone[0], together[b])
        trades = core.ledger.trades()
        np.testing.assert_array_equal(
            single.ledger.trades().net_pips, trades.take(trades.account == b).net_pips
        )


def test_a_trade_as_recorded():
    close = np.array([[150.0, 150.2, 150.1, 150.3]])
    _, core = play(TradingRules(), close, np.array([[0, 2, 3]]), start_bar=50)
    trades = core.ledger.trades()
    assert len(trades) == 1
    assert (trades.side[0], trades.entry_bar[0], trades.exit_bar[0]) == (-1, 51, 52)
    assert (trades.entry_price[0], trades.exit_price[0]) == (150.2, 150.1)
    assert trades.gross_pips[0] == pytest.approx(10)
    assert trades.net_pips[0] == pytest.approx(6)
    assert not trades.forced[0]


def test_reset_forgets():
    close = np.array([[150.0, 150.2]])
    _, core = play(TradingRules(), close, np.array([[1]]))
    core.reset(np.array([10.0]), np.array([0]))
    assert len(core.ledger.trades()) == 0
    assert core.equity_pips[0] == 0
    assert not core.position_features().any()


def test_no_trades_concatenate_to_empty_columns():
    trades = Trades.concatenate([])
    assert len(trades) == 0
    assert trades.net_pips.dtype == np.float64


def test_the_fx_table():
    assert FX_ACTIONS.legal.tolist() == [
        [True, True, True, False],
        [True, False, False, True],
        [True, False, False, True],
    ]
    assert FX_ACTIONS.legal_mask(np.array([2, 0])).tolist() == FX_ACTIONS.legal[[2, 0]].tolist()
    # HOLD, BUY, SELL from flat; CLOSE first when reversing.
    assert FX_ACTIONS.routes.tolist() == [[0, 1, 2], [3, 0, 3], [3, 3, 0]]
    position = np.array([0, 1, 2, 2])
    assert FX_ACTIONS.actions_toward(position, [-1, -1, -1, 0]).tolist() == [2, 3, 0, 3]
    with pytest.raises(ValueError, match="exposure"):
        FX_ACTIONS.position_of([0.5])
    with pytest.raises(ValueError, match="read-only"):
        FX_ACTIONS.next_position[0, 0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exposures": np.array([1.0, 0.0, -1.0])}, "start with 0"),
        ({"exposures": np.zeros(2)}, "shape"),
        ({"action_names": ("A", "A", "B", "C")}, "distinct"),
        ({"next_position": np.full((3, 4), 3)}, "must lie in"),
        ({"next_position": np.full((3, 4), -1)}, "at least one legal"),
        ({"next_position": np.zeros((3, 4))}, "reachable"),
    ],
)
def test_impossible_tables(change, message):
    parts = {
        "action_names": FX_ACTIONS.action_names,
        "position_names": FX_ACTIONS.position_names,
        "exposures": FX_ACTIONS.exposures,
        "next_position": FX_ACTIONS.next_position,
    }
    with pytest.raises(ValueError, match=message):
        ActionTable(**(parts | change))


def test_impossible_calls():
    with pytest.raises(ValueError, match="cost"):
        TradingRules(costs=Costs(-1))
    with pytest.raises(ValueError, match="pip_size"):
        TradingRules(pip_size=-1)
    with pytest.raises(ValueError, match="accounts"):
        TradingCore(TradingRules(), 0)
    core = TradingCore(TradingRules(), 2)
    price = np.full(2, 150.0)
    with pytest.raises(ValueError, match="actions must lie"):
        core.step(np.array([0, 4]), price, price, np.zeros(2, int), False)
    with pytest.raises(ValueError, match="next_price"):
        core.step(np.array([0, 0]), price, price[:1], np.zeros(2, int), False)
