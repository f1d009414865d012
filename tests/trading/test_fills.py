"""Target exposures, costs of fills and funding, against an account of cash and units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.config.schema import TradingConfig
from mlx_muzero.evaluation.metrics import measure
from mlx_muzero.trading.core import TradingCore, TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import FX_ACTIONS, ILLEGAL, TARGET_ACTIONS


class CashAccount:
    """One account in the price's own currency: cash and units, nothing of positions or trades.

    It buys at the ask, `price` and the spread, and sells at the bid, `price`.
    """

    def __init__(self, pip_size, fill_bps, round_trip_pips):
        self.pip_size, self.fill_bps, self.round_trip_pips = pip_size, fill_bps, round_trip_pips
        self.cash, self.units, self.exposure = 0.0, 0.0, 0.0

    def move_to(self, exposure, price, spread):
        if exposure == self.exposure:
            return
        pip = self.pip_size or price / 10_000
        units = exposure / pip
        traded = units - self.units
        paid = price + spread if traded > 0 else price
        self.cash -= traded * paid + abs(traded) * price * self.fill_bps / 10_000
        if np.sign(units) != np.sign(self.units):
            taken_on = abs(units)
        else:
            taken_on = max(abs(units) - abs(self.units), 0.0)
        self.cash -= taken_on * pip * self.round_trip_pips
        self.units, self.exposure = units, exposure

    def pay_funding(self, price, rate):
        self.cash -= self.units * price * rate

    def equity(self, price):
        return self.cash + self.units * price


@examples(60)
@given(
    seed=st.integers(0, 2**32 - 1),
    table=st.sampled_from([FX_ACTIONS, TARGET_ACTIONS]),
    pip_size=st.sampled_from([0.0, 0.01]),
    fill_bps=st.sampled_from([0.0, 6.0]),
    round_trip_pips=st.sampled_from([0.0, 4.0]),
    funding=st.booleans(),
    slipped=st.booleans(),
    quoted=st.booleans(),
)
def test_equity_is_cash_and_the_worth_of_units(
    seed, table, pip_size, fill_bps, round_trip_pips, funding, slipped, quoted
):
    rng = np.random.default_rng(seed)
    accounts, steps = 3, 30
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (accounts, steps + 1)), axis=1))
    rates = rng.normal(0, 1e-3, close.shape) * (rng.random(close.shape) < 0.3) * funding
    spreads = rng.exponential(0.05, close.shape) * quoted
    costs = Costs(round_trip_pips, fill_bps, quoted)
    core = TradingCore(TradingRules(table, pip_size, costs), accounts)
    core.reset(close[:, 0], np.zeros(accounts, int))
    cash = [CashAccount(pip_size, fill_bps, round_trip_pips) for _ in range(accounts)]
    for t in range(steps):
        action = rng.integers(0, len(table.action_names), accounts)
        after = table.next_position[core.position, action]
        after = np.where(after == ILLEGAL, core.position, after)
        # Where a fill comes late, its price is another than the last close.
        price = close[:, t] * (1 + 0.001 * slipped * rng.normal(size=accounts))
        core.execute(action, price, np.full(accounts, t), spreads[:, t])
        core.mark(close[:, t + 1], np.full(accounts, t + 1), rates[:, t + 1])
        for b, account in enumerate(cash):
            account.move_to(table.exposures[after[b]], price[b], spreads[b, t])
            account.pay_funding(close[b, t + 1], rates[b, t + 1])
        wanted = [account.equity(close[b, t + 1]) for b, account in enumerate(cash)]
        np.testing.assert_allclose(core.equity_pips, wanted, rtol=1e-9, atol=1e-8)

        trades = core.ledger.trades()
        booked = np.bincount(trades.account, trades.net_pips, accounts)
        opened = core.unrealized_pips - core.open_cost_pips - core.open_funding_pips
        np.testing.assert_allclose(booked + opened, core.equity_pips, rtol=1e-12, atol=1e-9)
    pip = pip_size or trades.entry_price / 10_000
    gross = trades.exposure * (trades.exit_price - trades.entry_price) / pip
    np.testing.assert_allclose(trades.gross_pips, gross, rtol=1e-12)


@examples(20)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_session_of_targets_conserves_money_to_its_forced_close(seed):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (4, 21)), axis=1))
    rules = TradingRules(
        TARGET_ACTIONS, 0.0, Costs(0.0, 6.0), "mark_to_market", 0.1, sees_balance=True
    )
    core = TradingCore(rules, 4)
    core.reset(close[:, 0], np.zeros(4, int))
    total = np.zeros(4)
    for t in range(20):
        rate = np.full(4, 1e-4 * (t == 7))
        action, bar = rng.integers(0, 7, 4), np.full(4, t)
        total += core.step(action, close[:, t], close[:, t + 1], bar, t == 19, rate)
    trades = core.ledger.trades()
    net = np.bincount(trades.account, trades.net_pips, 4)
    np.testing.assert_allclose(net, core.equity_pips, atol=1e-9)
    np.testing.assert_allclose(net, core.realized_pips, atol=1e-9)
    np.testing.assert_allclose(total / 0.1, net, atol=1e-3)
    assert (core.position == 0).all()
    assert not core.illegal_actions.any()
    np.testing.assert_allclose(core.position_features()[:, -1], np.tanh(net / 100), atol=1e-6)


def play_one(actions, close, rules, rates=None):
    core = TradingCore(rules, 1)
    core.reset(close[:1], np.zeros(1, int))
    for t, action in enumerate(actions):
        rate = None if rates is None else rates[t + 1 : t + 2]
        final = t + 1 == len(actions)
        core.step(
            np.array([action]), close[t : t + 1], close[t + 1 : t + 2], np.array([t]), final, rate
        )
    return core


TAKER = TradingRules(TARGET_ACTIONS, 0.0, Costs(0.0, 10.0))


def test_resizing_fills_the_difference_and_reversing_fills_both():
    # LONG_1, LONG_2, LONG_1 again, SHORT_3, flat at a price that never moves; 10 bps a fill.
    core = play_one([1, 2, 1, 6, 0], np.full(6, 50.0), TAKER)
    trades = core.ledger.trades()
    np.testing.assert_allclose(trades.exposure, [0.3, 0.6, 0.3, -1.0])
    # Entering 0.3; adding 0.3 and giving it up; the exit of the rest; entry and exit of 1.
    np.testing.assert_allclose(trades.cost_pips, [3.0, 6.0, 3.0, 20.0])
    assert trades.round_trip.tolist() == [0, 0, 0, 1]
    assert core.equity_pips[0] == pytest.approx(-32)


def test_what_is_held_counts_by_its_worth_when_it_is_given_up():
    core = play_one([3, 0], np.array([100.0, 110.0, 110.0]), TAKER)
    (net,) = core.ledger.trades().net_pips
    assert net == pytest.approx(1_000 - 10 - 11)


def test_longs_pay_a_positive_funding_rate_and_shorts_receive_it():
    close, rates = np.full(4, 80.0), np.array([0.0, 0.0, 1e-4, 0.0])
    for action, paid in ((3, 1.0), (1, 0.3), (6, -1.0), (0, 0.0)):
        core = play_one([action] * 3, close, TradingRules(TARGET_ACTIONS, 0.0, Costs(0, 0)), rates)
        trades = core.ledger.trades()
        assert trades.funding_pips.sum() == pytest.approx(paid)
        assert core.equity_pips[0] == pytest.approx(-paid)


def test_round_trips_are_counted_once_however_they_were_sized():
    close = np.array([100.0, 101.0, 102.0, 101.9, 100.0, 99.0])
    rules = TradingRules(TARGET_ACTIONS, 0.0, Costs(0.0, 0.0))
    core = play_one([1, 2, 3, 6, 6], close, rules)
    trades = core.ledger.trades()
    assert len(trades) == 4
    counts = np.array([0, 1, 1, 1, 0, 0, 2])
    equity = np.zeros((1, 5))
    equity[0, -1] = core.equity_pips[0]
    m = measure(trades, equity, counts, TARGET_ACTIONS.action_names)
    assert (m.trades, m.win_frac, m.mean_bars_in_trade) == (2, 1.0, 2.5)
    assert m.net_pips == pytest.approx(core.equity_pips[0])


def test_round_trips_of_interleaved_accounts():
    close = np.full((2, 5), 10.0)
    core = TradingCore(TAKER, 2)
    core.reset(close[:, 0], np.zeros(2, int))
    for t, actions in enumerate([[1, 4], [2, 4], [2, 5], [6, 0]]):
        core.step(np.array(actions), close[:, t], close[:, t + 1], np.full(2, t), t == 3)
    trades = core.ledger.trades()
    assert trades.account.tolist() == [0, 1, 0, 1, 0]
    assert trades.round_trip.tolist() == [0, 1, 0, 1, 2]


def test_the_seven_targets_are_always_legal():
    assert TARGET_ACTIONS.action_names == (
        "NEUTRAL", "LONG_1", "LONG_2", "LONG_3", "SHORT_1", "SHORT_2", "SHORT_3",
    )  # fmt: skip
    assert TARGET_ACTIONS.exposures.tolist() == [0.0, 0.3, 0.6, 1.0, -0.3, -0.6, -1.0]
    assert TARGET_ACTIONS.legal.all()
    positions = np.arange(7, dtype=np.int32)
    assert TARGET_ACTIONS.actions_toward(positions, np.full(7, 1.0)).tolist() == [3] * 7


def test_rules_by_configuration():
    crypto, fx = TradingRules.from_config(CRYPTO), TradingRules.from_config(FX_MICRO)
    assert (crypto.table, crypto.unit, crypto.costs) == (TARGET_ACTIONS, "bps", Costs(0.0, 6.0))
    assert (fx.table, fx.unit, fx.costs) == (FX_ACTIONS, "pips", Costs(4.0, 0.0))
    assert crypto.position_features == (*fx.position_features, "balance_pips")


def test_makers_pay_their_fee_and_nothing_else():
    prices = {"taker_fee_bps": 5.0, "maker_fee_bps": 2.0, "spread_bps": 2.0, "slippage_bps": 1.0}
    for maker_frac, fill_bps in ((0.0, 7.0), (0.5, 4.5), (1.0, 2.0)):
        trading = TradingConfig(round_trip_cost_pips=0.0, maker_frac=maker_frac, **prices)
        assert Costs.from_config(trading).fill_bps == pytest.approx(fill_bps)
