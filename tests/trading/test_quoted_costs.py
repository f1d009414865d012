"""Fills that pay the quotes: buying at the ask, selling at the bid, bar by bar."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from action_sequences import best_of_all_sequences
from examples import cases
from markets import quoted_bars
from mlx_muzero.config.schema import TradingConfig
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import Churn, PerfectForesight, RandomPolicy
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.evaluation.cost_sweep import sweep_costs
from mlx_muzero.evaluation.single_decision import decide
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.settings import FillSettings
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.cost_size import cost_note
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules
from muzero_cli.display.tree import TreeDisplay

QUOTED = Costs(0.0, quoted=True)
FILLS = ["close", "next_open"]


def rules(fill="close", **options):
    return TradingRules(costs=QUOTED, reward="mark_to_market", fill=fill, **options)


@pytest.fixture(scope="module")
def bars():
    return quoted_bars(1500)


@pytest.fixture(scope="module")
def quoted(bars, small_config):
    return MarketDataset.from_bars(bars, small_config.market)


def test_the_configuration_names_what_quotes_replace():
    trading = TradingConfig(cost="quotes", taker_fee_bps=0.3, spread_bps=2.0, slippage_bps=0.1)
    assert Costs.from_config(trading) == Costs(0.0, 0.3 + 0.1, quoted=True)


def paid_net_pips(bars, trades, fill):
    """Of each trade: what it sold for less what it bought for, at the quotes of its bars."""
    bid = {"close": bars.close, "next_open": np.append(bars.open[1:], np.nan)}
    ask = {
        "close": bars.extras["close_ask"],
        "next_open": np.append(bars.extras["open_ask"][1:], np.nan),
    }
    # A session ends at its last close, wherever actions fill.
    exits = [
        np.where(trades.forced, side["close"][trades.exit_bar], side[fill][trades.exit_bar])
        for side in (bid, ask)
    ]
    entries = [side[fill][trades.entry_bar] for side in (bid, ask)]
    long = trades.side > 0
    return np.where(long, exits[0] - entries[1], entries[0] - exits[1]) / 0.01


@pytest.mark.parametrize("fill", FILLS)
def test_every_trade_buys_at_the_ask_and_sells_at_the_bid(fill, bars, quoted):
    starts = quoted.training_starts()[:80]
    played = backtest(RandomPolicy(4), quoted, rules(fill), starts)
    trades = played.trades
    assert 0 < trades.forced.sum() < len(trades)
    np.testing.assert_allclose(trades.net_pips, paid_net_pips(bars, trades, fill), atol=1e-9)
    booked = np.bincount(trades.account, trades.net_pips, len(starts))
    np.testing.assert_allclose(booked, played.equity_pips[:, -1], atol=1e-9)
    np.testing.assert_allclose(booked, played.reward.sum(axis=1), atol=1e-3)


def test_a_spread_that_never_changes_costs_what_a_fixed_one_does(quoted):
    starts, wide = quoted.training_starts()[:40], np.full(len(quoted.close), 0.04)
    spreads = dataclasses.replace(quoted.spreads, open=wide, close=wide)
    even = dataclasses.replace(quoted, spreads=spreads)
    fixed = dataclasses.replace(rules(), costs=Costs(4.0))
    nets = [backtest(Churn(), even, each, starts).trades.net_pips for each in (rules(), fixed)]
    np.testing.assert_allclose(*nets, atol=1e-9)


def test_a_fill_at_the_quotes_needs_them(small_dataset):
    env = SessionEnv(small_dataset, rules(), small_dataset.training_starts()[:1])
    with pytest.raises(ValueError, match="without their quotes"):
        env.step(np.ones(1, np.int32))
    with pytest.raises(ValueError, match="needs their spread"):
        env.core.execute(np.ones(1, np.int32), np.full(1, 110.0), np.zeros(1))
    with pytest.raises(ValueError, match="needs their spread"):
        QUOTED.fill_pips(np.zeros(1), np.ones(1), np.full(1, 110.0), 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("fill", cases(1, FILLS))
def test_foresight_is_the_best_of_all_action_sequences(fill, quoted):
    short = dataclasses.replace(quoted, config=dataclasses.replace(quoted.config, session_bars=5))
    starts = short.training_starts()[:40:7]
    best = best_of_all_sequences(short, rules(fill), starts)
    foresight = PerfectForesight()
    played = backtest(foresight, short, rules(fill), starts).equity_pips[:, -1]
    np.testing.assert_allclose(played, best, atol=1e-9)
    np.testing.assert_allclose(foresight.bound_pips, best, atol=1e-9)


def test_a_paper_account_ends_with_what_the_environment_does(bars, quoted):
    """The same actions over the same bars, filled at the open after each decision."""
    start = quoted.training_starts()[:1]
    env, policy = SessionEnv(quoted, rules("next_open"), start), RandomPolicy(7)
    fills = FillSettings("quotes", half_spread_pips=9.0)  # half_spread_pips must not count
    account = PairAccount("TEST", dataclasses.replace(rules(), costs=fills.costs(0.01)), 1.0, fills)
    account.on_bar(live(bars, start[0]), 0.0)
    paid = 0.0
    while env.step_index < env.session_bars - 1:
        action = policy.act(env)
        env.step(action)
        exposure = float(env.core.exposure[0])
        if exposure != account.exposure:
            close_ns = account.close_ns
            account.order = Order(
                0, "TEST", close_ns, close_ns, int(action[0]), account.exposure, exposure
            )
        effect = account.on_bar(live(bars, int(env.bar[0])), 0.0)
        paid += effect.fill["fee"] if effect.fill else 0.0
        assert account.core.equity_pips[0] == pytest.approx(env.core.equity_pips[0], abs=1e-9)
        restored = PairAccount("TEST", account.core.rules, 1.0, fills)
        restored.restore(account.state())
        assert restored.state() == account.state()
    closed = env.core.ledger.trades().cost_pips.sum() + env.core.open_cost_pips[0]
    assert paid == pytest.approx(closed * account.pip_value)
    assert paid > 0.0


def live(bars, row):
    opened = int(bars.open_time_ns[row])
    prices = (float(getattr(bars, name)[row]) for name in ("open", "high", "low", "close"))
    spread = float(bars.extras["open_ask"][row] - bars.open[row])
    return LiveBar("TEST", opened, *prices, 1.0, None, opened + MINUTE_NS, spread)


def test_an_order_waits_for_the_first_quotes(bars):
    fills = FillSettings("quotes")
    account = PairAccount("TEST", rules(), 1.0, fills)
    first, second, third = (live(bars, row) for row in range(3))
    account.on_bar(dataclasses.replace(first, spread=None), 0.0)
    account.order = Order(0, "TEST", first.close_time_ns, first.close_time_ns, 1, 0.0, 1.0)
    assert account.on_bar(dataclasses.replace(second, spread=None), 0.0).fill is None
    assert account.on_bar(third, 0.0).fill["exposure"] == 1.0


def test_a_report_says_what_the_quotes_cost(quoted):
    starts = quoted.evaluation_starts("test")
    told = conditions_of(quoted, rules(), "test", starts)
    assert told.spread_pips == pytest.approx(2.0, abs=0.3)
    assert told.cost_bps == told.spread_bps
    assert told.costs.startswith("the quoted spread of every round trip (median ")
    assert f"{told.spread_pips:.3g} pips, {told.spread_bps:.3g} bps)" in told.costs
    in_bps = dataclasses.replace(rules(), costs=Costs(0.0, 1.0, quoted=True), pip_size=0.0)
    assert "bps) and 1 bps of every fill" in conditions_of(quoted, in_bps, "test", starts).costs
    assert conditions_of(quoted, TradingRules(), "test", starts).spread_bps is None
    note = cost_note(QUOTED, 100.0, 0.01, spread_bps=0.3)
    assert note == (
        "a round trip costs 0.3 pips of 0.01, 0.3 bps of the price 100, the quoted spread of 0.3 "
        "bps included"
    )


def test_a_decision_is_told_the_spread_at_the_close_and_shows_it(quoted):
    told = []
    agent = SimpleNamespace(explain=lambda *_, moment, **__: (None, told.append(moment)))
    bar = int(quoted.training_starts()[7])
    decision = decide(agent, quoted, rules("next_open"), bar, 8)
    spread = quoted.close_spreads[bar]
    assert told[0].spread.tolist() == [spread]
    assert decision.spread_pips == pytest.approx(spread / 0.01)
    display = TreeDisplay(Path(), SimpleNamespace(decision=decision))
    assert display._quotes()[0].endswith(f"pays: {spread / 0.01:.3g} pips")
    fixed = decide(agent, quoted, TradingRules(), bar, 8)
    assert fixed.spread_pips is None
    assert TreeDisplay(Path(), SimpleNamespace(decision=fixed))._quotes() == []


def test_a_sweep_of_trades_at_quotes_begins_at_what_they_paid(quoted):
    starts = quoted.evaluation_starts("test")
    played = {"churn": backtest(Churn(), quoted, rules(), starts)}
    sweep = sweep_costs(played, rules())
    assert sweep.decided_at == pytest.approx(played["churn"].trades.cost_pips.mean())
    assert max(sweep.levels) == 4.0
    net = np.interp(sweep.decided_at, sweep.levels, sweep.curves["churn"].net)
    assert net == pytest.approx(played["churn"].metrics.net_pips_per_session)
