"""Sessions that share an exposure limit: never exceeded, the same in any order, and optional."""

from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest

from mlx_muzero.agent.make import make_agent
from mlx_muzero.config.presets import FX_FACTORED
from mlx_muzero.errors import DataError
from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, PerfectForesight, RandomPolicy, momentum
from mlx_muzero.evaluation.rivals.fitted import fit_rivals
from mlx_muzero.evaluation.rivals.line_dp import exposure_price, plan
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.positions import TARGET_ACTIONS
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from mlx_muzero.training.bar_batches import measure_usual
from mlx_muzero.training.models import build_model

NAMES = ("AAA", "BBB", "CCC")
CONFIG = replace(
    FX_FACTORED,
    market=replace(
        FX_FACTORED.market,
        symbol=Symbol(NAMES[0]),
        symbols=tuple(map(Symbol, NAMES)),
        session_bars=30,
    ),
    model=replace(FX_FACTORED.model, latent_width=8, chain_states=8),
)
ONE = ExposureLimit(1.0, 3)
FREE = TradingRules.from_config(CONFIG)


def market(order=(0, 1, 2), hole_frac=0.0, in_step=True):
    histories = []
    for number, name in enumerate(NAMES):
        bars, _ = random_walk(number, 3, hole_frac=hole_frac)
        histories.append(PairHistory(replace(bars, symbol=Symbol(name)), {}))
    symbols = tuple(Symbol(NAMES[i]) for i in order)
    config = replace(CONFIG.market, symbols=symbols)
    dataset = MarketDataset.of_pairs([histories[i] for i in order], config)
    return replace(dataset, in_step=in_step)


class Watched:
    """A policy whose exposures are summed by minute."""

    def __init__(self, policy):
        self.policy, self.name, self.held = policy, policy.name, {}

    def reset(self, env):
        self.policy.reset(env)

    def act(self, env):
        self._look(env)
        return self.policy.act(env)

    def _look(self, env):
        minutes = env.open_time_ns[env.bar].tolist()
        for minute, exposure in zip(minutes, env.core.exposure.tolist(), strict=True):
            self.held[minute] = self.held.get(minute, 0.0) + abs(exposure)


class WatchedWeigher(Watched):
    def weigh(self, env):
        self._look(env)
        return self.policy.weigh(env)


def watched(policy):
    return WatchedWeigher(policy) if hasattr(policy, "weigh") else Watched(policy)


@pytest.fixture(scope="module")
def dataset():
    return market()


@pytest.fixture(scope="module")
def agent(dataset):
    """With weights that want to trade: the networks' last layers are not zero."""
    rules = replace(FREE, exposure_limit=ONE)
    model = build_model(CONFIG, rules.table)
    measure_usual(model, dataset, rules)
    rng = np.random.default_rng(2)
    worth, move = model.worth_head.output, model.move_head.output
    worth.weight = mx.array(rng.normal(0.0, 9.0, worth.weight.shape).astype(np.float32))
    move.bias = mx.array(np.full(model.outcomes, 5.0, np.float32))  # so waiting costs something
    return make_agent(model, replace(CONFIG.search, backend="mlx"), rules)


def policies(agent):
    return [
        BUY_AND_HOLD,
        RandomPolicy(3),
        momentum(5),
        PerfectForesight(),
        SearchPolicy(agent, 3),
        NetworkPolicy(agent),
    ]


@pytest.mark.parametrize("number", range(6))
def test_the_limit_is_never_exceeded(dataset, agent, number):
    rules = replace(FREE, exposure_limit=ONE)
    policy = watched(policies(agent)[number])
    backtest(policy, dataset, rules, dataset.evaluation_starts("test", 60))
    held = np.array(list(policy.held.values()))
    assert held.max() == pytest.approx(1.0)


def test_fractions_of_the_limit_are_packed(dataset):
    rules = replace(FREE, table=TARGET_ACTIONS, sees_balance=True)
    rules = replace(rules, exposure_limit=ExposureLimit(1.3, 3))
    policy = watched(RandomPolicy(1))
    backtest(policy, dataset, rules, dataset.evaluation_starts("test", 60))
    assert 1.25 < max(policy.held.values()) <= 1.3 + 1e-9


@pytest.mark.parametrize("number", range(5))
def test_a_limit_that_never_binds_changes_nothing(dataset, agent, number):
    starts = dataset.evaluation_starts("test", 60)
    policy = policies(agent)[number]
    free = backtest(policy, dataset, FREE, starts)
    wide = backtest(policy, dataset, replace(FREE, exposure_limit=ExposureLimit(3.0, 3)), starts)
    np.testing.assert_array_equal(free.equity_pips, wide.equity_pips)
    np.testing.assert_array_equal(free.action_counts, wide.action_counts)


def test_the_order_of_the_pairs_has_no_effect(dataset, agent):
    other, rules = market((2, 0, 1)), replace(FREE, exposure_limit=ONE)
    for policy in policies(agent)[:5]:
        earned = [
            backtest(policy, each, rules, each.evaluation_starts("test", 60)).equity_pips
            for each in (dataset, other)
        ]
        np.testing.assert_array_equal(*earned)


def test_sessions_in_step_are_whole_groups_of_the_same_minutes():
    gappy = market(hole_frac=0.004)
    starts = gappy.evaluation_starts("test")
    bars = starts[:, None] + np.arange(gappy.config.session_bars + 1)
    opens = gappy.open_time_ns[bars].reshape(-1, 3, bars.shape[1])
    assert (opens == opens[:, :1]).all()
    assert gappy.pair[starts].reshape(-1, 3).tolist() == [[0, 1, 2]] * (len(starts) // 3)
    assert len(gappy.evaluation_starts("test", 7)) == 6
    assert len(replace(gappy, in_step=False).evaluation_starts("test")) > len(starts)


def test_pairs_that_never_meet_are_refused():
    with pytest.raises(DataError, match="data check"):
        market(hole_frac=0.3).evaluation_starts("test")


def test_a_limit_needs_a_dataset_in_step():
    apart, rules = market(in_step=False), replace(FREE, exposure_limit=ONE)
    starts = apart.evaluation_starts("test", 6)
    with pytest.raises(ValueError, match="in_step"):
        backtest(BUY_AND_HOLD, apart, rules, starts)


@pytest.mark.slow
def test_rivals_share_the_limit_too(dataset):
    rules = replace(FREE, exposure_limit=ONE)
    for rival in fit_rivals(dataset, rules).values():
        policy = watched(rival)
        backtest(policy, dataset, rules, dataset.evaluation_starts("test", 30))
        assert max(policy.held.values()) <= 1.0


def test_rivals_that_plan_do_so_with_a_price(dataset):
    """Two offers that last: what one pair holds, the others cannot."""
    transition = np.array([[0.8, 0.2], [0.2, 0.8]])
    expected, free = np.array([-1.0, 1.0]), replace(FREE, exposure_limit=None)
    shared = replace(FREE, exposure_limit=ONE)
    assert exposure_price(transition, expected, 150.0, free) == 0.0
    price = exposure_price(transition, expected, 150.0, shared)
    assert price > 0.0
    plans = [plan(transition, expected, 150.0, shared, 9, None, each) for each in (0.0, price)]
    worth = [each.held[0, 0, 1, 1] for each in plans]
    assert worth[1] < worth[0]
    assert plan(transition, expected, 150.0, free, 9).held.size == 0
