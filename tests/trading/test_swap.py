"""Swap points: what a position pays that is held over 17:00 New York."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_sequences import best_of_all_sequences
from markets import walk_bars
from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.config.rules import broken_rules
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, PerfectForesight, RandomPolicy
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.calendar import swap_nights
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.settings import FillSettings, fills_of
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules

SWAP = Swap(0.8, -0.5)
RULES = TradingRules(costs=Costs(1.0), reward="mark_to_market", swap=SWAP)


def nights(first, last):
    return int(swap_nights(np.array([utc_ns(first)]), np.array([utc_ns(last)]))[0])


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2019-01-07T21:59", "2019-01-07T22:00", 1),  # a Monday in winter: 22:00 UTC
        ("2019-01-07T22:00", "2019-01-08T21:59", 0),
        ("2019-07-08T20:59", "2019-07-08T21:00", 1),  # in summer: 21:00 UTC
        ("2019-01-09T21:59", "2019-01-09T22:00", 3),  # a Wednesday
        ("2019-01-11T21:59", "2019-01-13T23:00", 1),  # Friday's, and a weekend without any
        ("2019-01-07T00:00", "2019-01-14T00:00", 7),
    ],
)
def test_nights_are_those_of_spot_settlement(first, last, expected):
    assert nights(first, last) == expected


@given(st.integers(0, 20_000), st.lists(st.integers(0, 40 * 24), min_size=2, max_size=8))
def test_a_long_way_has_the_nights_of_its_parts(day, hours):
    times = day * DAY_NS + np.sort(np.array(hours)) * HOUR_NS
    parts = swap_nights(times[:-1], times[1:])
    assert parts.sum() == swap_nights(times[:1], times[-1:])[0]
    assert (parts >= 0).all()


@pytest.fixture(scope="module")
def market(small_config):
    """Two days, with sessions of two hours."""
    config = dataclasses.replace(small_config.market, session_bars=120)
    return MarketDataset.from_bars(walk_bars(3000), config)


@pytest.fixture(scope="module")
def over_night(market):
    """Starts of sessions that hold a 17:00."""
    starts = market.training_starts()
    reach = market.passing.nights[starts[:, None] + np.arange(1, 121)].sum(axis=1)
    chosen = starts[reach > 0]
    assert len(chosen) > 50
    return chosen[::7]


def test_a_pairs_first_bar_has_no_night(market):
    assert market.passing.nights.sum() == 2
    assert (np.flatnonzero(market.passing.nights) == [22 * 60, 46 * 60]).all()
    later = dataclasses.replace(market, pair=market.pair + 1)
    both = MarketDataset._joined([market, later])
    np.testing.assert_array_equal(both.passing.nights, np.tile(market.passing.nights, 2))


@pytest.mark.parametrize("exposure", [1, -1])
def test_who_holds_over_it_pays_and_it_is_booked_as_funding(exposure, market, over_night):
    policy = dataclasses.replace(BUY_AND_HOLD, exposure=float(exposure))
    free = dataclasses.replace(RULES, swap=Swap())
    one, other = (backtest(policy, market, rules, over_night) for rules in (RULES, free))
    paid = 0.8 if exposure > 0 else -0.5
    np.testing.assert_allclose(one.trades.funding_pips, paid)
    np.testing.assert_allclose(one.trades.net_pips, other.trades.net_pips - paid, atol=1e-9)
    np.testing.assert_allclose(one.reward.sum(axis=1), one.equity_pips[:, -1], atol=1e-3)


def test_trades_pay_by_the_nights_between_their_fills(market, over_night):
    trades = backtest(RandomPolicy(3), market, RULES, over_night).trades
    passed = np.concatenate([[0], np.cumsum(market.passing.nights)])
    held = passed[trades.exit_bar + 1] - passed[trades.entry_bar + 1]
    rate = np.where(trades.side > 0, 0.8, -0.5)
    np.testing.assert_allclose(trades.funding_pips, held * rate, atol=1e-12)
    assert np.unique(trades.funding_pips).tolist() == [-0.5, 0.0, 0.8]


@pytest.mark.slow
def test_foresight_is_the_best_of_all_action_sequences(market):
    short = dataclasses.replace(market, config=dataclasses.replace(market.config, session_bars=5))
    starts = 22 * 60 - np.array([4, 3, 1])
    dear = dataclasses.replace(RULES, swap=Swap(4.0, 3.0))
    best = best_of_all_sequences(short, dear, starts)
    played = backtest(PerfectForesight(), short, dear, starts).equity_pips[:, -1]
    np.testing.assert_allclose(played, best, atol=1e-9)


def test_a_paper_account_pays_what_the_environment_does(market, over_night):
    rules = dataclasses.replace(RULES, fill="next_open")
    env, policy = SessionEnv(market, rules, over_night[1:2]), BUY_AND_HOLD
    account = PairAccount("TEST", rules, 1.0, FillSettings())
    bars = walk_bars(3000)
    account.on_bar(_live(bars, int(env.bar[0])), 0.0)
    while env.step_index < env.session_bars - 1:
        action = policy.act(env)
        env.step(action)
        wanted = float(env.core.exposure[0])
        if wanted != account.exposure:
            now = account.close_ns
            account.order = Order(0, "TEST", now, now, int(action[0]), account.exposure, wanted)
        account.on_bar(_live(bars, int(env.bar[0])), 0.0)
        assert account.core.equity_pips[0] == pytest.approx(env.core.equity_pips[0], abs=1e-9)
    assert account.core.open_funding_pips[0] == env.core.open_funding_pips[0] == 0.8


def _live(bars, row):
    opened = int(bars.open_time_ns[row])
    prices = (float(getattr(bars, name)[row]) for name in ("open", "high", "low", "close"))
    return LiveBar("TEST", opened, *prices, 1.0, None, opened + MINUTE_NS)


def test_a_session_pays_the_swap_of_training():
    trading = dataclasses.replace(FX_MICRO.trading, swap_long_pips=0.8, swap_short_pips=-0.5)
    assert fills_of(trading).swap == SWAP
    assert TradingRules.from_config(Config(trading=trading)).swap == SWAP


def test_coins_have_no_swap():
    trading = dataclasses.replace(CRYPTO.trading, swap_short_pips=1.0)
    (problem,) = broken_rules(dataclasses.replace(CRYPTO, trading=trading), set())
    assert "coins pay funding" in problem.message


def test_a_report_tells_of_the_swap(market):
    starts = market.evaluation_starts("test")
    told = conditions_of(market, RULES, "test", starts).costs
    assert told.endswith("; a night costs longs 0.8 pips and shorts -0.5")
    free = dataclasses.replace(RULES, swap=Swap())
    assert "night" not in conditions_of(market, free, "test", starts).costs
