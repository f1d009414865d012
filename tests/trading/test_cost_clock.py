"""Costs that follow a clock: what a fill pays, in the core and in the arrays of planners."""

from dataclasses import replace

import numpy as np
import pytest

from markets import walk_bars
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import FX_MICRO, PRESETS
from mlx_muzero.errors import ConfigError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingCore
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.gains import fill_costs, known_costs
from mlx_muzero.trading.rules import TradingRules

CLOCK = Costs(6.0, clock_minutes=5, clock_pips=2.0)
RULES = TradingRules(reward="mark_to_market", costs=CLOCK)
MINUTE = np.arange(20)


def test_entering_pays_what_the_minute_says_and_leaving_nothing():
    entered, flat = np.ones(20), np.zeros(20)
    price = np.full(20, 150.0)
    left, paid = CLOCK.fill_pips(flat, entered, price, 0.01, minute=MINUTE)
    np.testing.assert_array_equal(paid, np.where(MINUTE % 5 == 0, 2.0, 6.0))
    assert not left.any()
    left, paid = CLOCK.fill_pips(entered, flat, price, 0.01, minute=MINUTE)
    assert not left.any()
    assert not paid.any()


def test_a_clock_needs_the_minute():
    with pytest.raises(ValueError, match="needs the minute"):
        CLOCK.fill_pips(np.zeros(1), np.ones(1), np.ones(1), 0.01)
    core = TradingCore(RULES, 1)
    with pytest.raises(ValueError, match="needs the minute"):
        core.execute(np.array([1]), np.ones(1), np.zeros(1, np.int64))


def test_planners_and_the_core_agree():
    price = np.full(20, 150.0)
    costs = fill_costs(price, RULES, minute=MINUTE)
    for position in range(3):
        for action in np.flatnonzero(RULES.table.legal[position]):
            core = TradingCore(RULES, 20)
            core.position[:] = position
            done = core.execute(
                np.full(20, action, np.int32), price, np.zeros(20, np.int64), minute=MINUTE
            )
            np.testing.assert_allclose(done.cost_pips, costs[:, position, action])


def test_sessions_are_charged_by_the_bar_of_the_decision(small_config):
    dataset = MarketDataset.from_bars(walk_bars(1500), small_config.market)
    starts = dataset.training_starts()[:10]
    env = SessionEnv(dataset, RULES, starts)
    wanted = known_costs(dataset, RULES, env.bar)[:, 0, 1]
    env.step(np.ones(10, np.int32))
    np.testing.assert_allclose(env.core.open_cost_pips, wanted)
    assert set(wanted) == {2.0, 6.0}


def test_a_steady_cost_ignores_the_minute():
    steady = replace(RULES, costs=Costs(4.0))
    price = np.full(20, 150.0)
    np.testing.assert_array_equal(
        fill_costs(price, steady), fill_costs(price, steady, minute=MINUTE)
    )


def test_it_is_for_agents_that_know_it():
    clock = ["trading.cost_clock_minutes=5", "trading.cost_clock_pips=2"]
    config = config_toml.override(PRESETS["fx_factored"], clock)
    assert Costs.from_config(config.trading) == replace(CLOCK, round_trip_pips=4.0)
    with pytest.raises(ConfigError, match="knows the clock of its costs"):
        config_toml.override(FX_MICRO, clock)
