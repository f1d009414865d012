"""The rule of the Tokyo fix: when it is long, short and flat, and for which pairs."""

import dataclasses

import numpy as np
import pytest

from markets import walk_bars
from mlx_muzero.config.local_times import LocalTime
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.comparison import baselines
from mlx_muzero.evaluation.fix_rule import FixRule, is_fixed_in_tokyo
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules


def sides(rule, market, first_utc, minutes):
    """Exposure wanted at each minute from `first_utc` on, at which that many bars close."""
    bars = walk_bars(300 + minutes)
    opens = utc_ns(first_utc) + MINUTE_NS * (np.arange(len(bars)) - 301)
    dataset = MarketDataset.from_bars(dataclasses.replace(bars, open_time_ns=opens), market)
    env = SessionEnv(dataset, TradingRules(), 300 + np.arange(minutes))
    return env.table.exposures[env.table.next_position[env.position, rule.act(env)]]


@pytest.mark.parametrize("day", ["2018-01-10", "2018-07-10"])
def test_long_before_the_fix_and_short_after_it_summer_and_winter(day, small_config):
    wanted = np.zeros(150)
    wanted[25:55], wanted[55:85] = 1.0, -1.0
    assert sides(FixRule(), small_config.market, f"{day} 00:00", 150).tolist() == wanted.tolist()


def test_flat_on_weekends(small_config):
    assert not sides(FixRule(), small_config.market, "2018-01-13 00:00", 150).any()


def test_the_clock_and_the_minutes_are_parameters(small_config):
    rule = FixRule(LocalTime.parse("16:00 Europe/London"), minutes=10)
    held = sides(rule, small_config.market, "2018-07-10 14:45", 30)
    assert held.tolist() == [0.0] * 5 + [1.0] * 10 + [-1.0] * 10 + [0.0] * 5


def test_it_plays_yen_pairs_alone():
    assert [is_fixed_in_tokyo(s) for s in ("USDJPY", "EURJPY", "EURUSD", "JPYUSD", "TEST")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_yen_pairs_are_compared_with_it_and_currency_pairs_with_past_moves(small_config):
    def names(symbol):
        market = dataclasses.replace(small_config.market, symbol=symbol)
        dataset = MarketDataset.from_bars(walk_bars(1500, symbol=symbol), market)
        return set(baselines(dataset, TradingRules()))

    moves = {"momentum_hysteresis", "reversal_hysteresis"}
    assert names("USDJPY") - names("TEST") == {"fix_rule", *moves}
    assert names("EURUSD") - names("TEST") == moves


def test_its_trades_are_two_a_day(small_config):
    market = dataclasses.replace(small_config.market, session_bars=120)
    bars = walk_bars(1440)
    opens = utc_ns("2018-01-10") + MINUTE_NS * (np.arange(len(bars)) - 301)
    dataset = MarketDataset.from_bars(dataclasses.replace(bars, open_time_ns=opens), market)
    played = backtest(FixRule(), dataset, TradingRules(), np.array([300]))
    assert played.metrics.trades == 2
