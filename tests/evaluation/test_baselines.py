"""Baselines on real sessions: honest, independent of the batch, bounded by foresight."""

import dataclasses
import itertools

import numpy as np
import pytest

from mlx_muzero.evaluation.baselines import (
    BUY_AND_HOLD,
    FLAT_POLICY,
    BestPolicy,
    PerfectForesight,
    RandomPolicy,
    mean_reversion,
    momentum,
)
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.trading.core import TradingCore, TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS, ActionTable


@dataclasses.dataclass
class View:
    bar: np.ndarray
    close: np.ndarray
    open_time_ns: np.ndarray
    position: np.ndarray
    episode: np.ndarray
    session_bars: int = 360
    step_index: int = 0
    table: ActionTable = FX_ACTIONS
    rules: TradingRules = TradingRules()
    funding_rate: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    fill_spread: np.ndarray | None = None
    close_spread: np.ndarray | None = None
    swap_nights: np.ndarray | None = None

    @property
    def fill_price(self):
        return self.close

    @property
    def account_state(self):
        return self.position

    @property
    def states(self):
        return self.rules.states


def play(policy, bars, starts, steps=360, cost=4.0, rules=None):
    """Net pips ``[B]``, actions ``[steps, B]`` and the core after the sessions at `starts`."""
    starts = np.asarray(starts, np.int64)
    rules = rules or TradingRules(reward="mark_to_market", costs=Costs(cost))
    core = TradingCore(rules, len(starts))
    core.reset(bars.close[starts], starts)
    view = View(
        starts, bars.close, bars.open_time_ns, core.position, starts.astype(np.uint64), steps
    )
    view.rules, view.table, view.funding_rate = rules, rules.table, np.zeros(len(bars))
    policy.reset(view)
    actions = np.empty((steps, len(starts)), np.int32)
    for step in range(steps):
        view.bar, view.position, view.step_index = starts + step, core.position, step
        actions[step] = policy.act(view)
        core.step(
            actions[step],
            bars.close[view.bar],
            bars.close[view.bar + 1],
            view.bar,
            step + 1 == steps,
        )
    return core.equity_pips, actions, core


@pytest.fixture(scope="module")
def edge_market():
    bars, truth = planted_edge(21, 100)
    starts = np.arange(100, len(bars) - 400, 360)
    # Sessions that stay within one week.
    whole = bars.open_time_ns[starts + 360] - bars.open_time_ns[starts] == 360 * 60_000_000_000
    return bars, truth, starts[whole]


@pytest.fixture(scope="module")
def walk():
    return random_walk(22, 20)[0]


STARTS = np.array([200, 1500, 4000])


@pytest.fixture(scope="module")
def optimum(edge_market):
    return from_truth(edge_market[1])


def all_policies(optimum):
    return [
        FLAT_POLICY,
        BUY_AND_HOLD,
        RandomPolicy(3),
        momentum(15),
        mean_reversion(15),
        PerfectForesight(),
        BestPolicy(optimum),
    ]


@pytest.mark.slow
def test_every_policy_is_legal_and_independent_of_the_batch(edge_market, optimum):
    bars, _, _ = edge_market
    for policy in all_policies(optimum):
        net, actions, core = play(policy, bars, STARTS)
        assert core.illegal_actions.sum() == 0, policy.name
        alone, single, _ = play(policy, bars, STARTS[1:2])
        assert alone[0] == net[1]
        np.testing.assert_array_equal(single[:, 0], actions[:, 1])


def test_honest_policies_do_not_see_the_future(edge_market, optimum):
    bars, _, _ = edge_market
    step = 100
    for policy in all_policies(optimum):
        if policy.name == "perfect_foresight":
            continue
        _, actions, _ = play(policy, bars, STARTS[:1])
        changed = bars.close.copy()
        changed[STARTS[0] + step + 1 :] = 150.0 + np.random.default_rng(1).normal(
            0, 1, len(changed) - STARTS[0] - step - 1
        )
        future = type(bars)(
            bars.symbol, bars.open_time_ns, changed, changed, changed, changed, bars.volume
        )
        _, other, _ = play(policy, future, STARTS[:1])
        np.testing.assert_array_equal(actions[: step + 1], other[: step + 1])


def test_flat_and_buy_and_hold(walk):
    net, actions, _ = play(FLAT_POLICY, walk, STARTS)
    assert not net.any()
    assert not actions.any()
    net, actions, core = play(BUY_AND_HOLD, walk, STARTS)
    np.testing.assert_allclose(net, (walk.close[STARTS + 360] - walk.close[STARTS]) * 100 - 4)
    assert core.ledger.trades().forced.all()
    assert actions[0].tolist() == [1] * 3
    assert not actions[1:].any()


def test_random_is_uniform_over_legal_actions_and_seeded(walk):
    starts = np.arange(100, 5000, 50)
    _, actions, _ = play(RandomPolicy(3), walk, starts)
    _, again, _ = play(RandomPolicy(3), walk, starts)
    _, other, _ = play(RandomPolicy(4), walk, starts)
    np.testing.assert_array_equal(actions, again)
    assert (actions != other).any()
    first = np.bincount(actions[0], minlength=4)
    assert first[3] == 0
    # Stationary: flat 3/7 of the time if entered with 2/3 and left with 1/2.
    frac = np.bincount(actions.ravel(), minlength=4) / actions.size
    np.testing.assert_allclose(frac, [1 / 7 + 2 / 7, 1 / 7, 1 / 7, 2 / 7], atol=0.01)


def test_momentum_and_mean_reversion_take_opposite_sides(walk):
    _, ahead, core = play(momentum(5), walk, STARTS)
    _, _, opposite = play(mean_reversion(5), walk, STARTS)
    trades, mirrored = core.ledger.trades(), opposite.ledger.trades()
    np.testing.assert_array_equal(trades.side, -mirrored.side)
    np.testing.assert_allclose(trades.gross_pips, -mirrored.gross_pips)
    rising = np.sign(walk.close[STARTS] - walk.close[STARTS - 5])
    np.testing.assert_array_equal(ahead[0], np.where(rising > 0, 1, 2))
    # No past at the first bar of the data: it waits.
    _, actions, _ = play(momentum(5), walk, [0], steps=3)
    assert actions[0, 0] == 0


def test_foresight_is_the_best_of_all_action_sequences(walk):
    steps, start = 5, 300
    foresight = PerfectForesight()
    for cost in (0.0, 1.0, 4.0):
        net, _, _ = play(foresight, walk, [start], steps, cost)
        assert net[0] == pytest.approx(foresight.bound_pips[0])
        sequences = np.array(list(itertools.product(range(4), repeat=steps)))
        core = TradingCore(TradingRules(costs=Costs(cost)), len(sequences))
        at = np.full(len(sequences), start)
        core.reset(walk.close[at], at)
        for step in range(steps):
            here, there = walk.close[at + step], walk.close[at + step + 1]
            core.step(sequences[:, step], here, there, at + step, step + 1 == steps)
        assert net[0] == pytest.approx(core.equity_pips.max())


def test_foresight_of_targets_is_the_best_of_all_sequences_at_costs_of_fills(walk):
    steps, start = 3, 300
    foresight = PerfectForesight()
    sequences = np.array(list(itertools.product(range(7), repeat=steps)))
    at = np.full(len(sequences), start)
    for pip_size, fill_bps in ((0.01, 0.0), (0.01, 0.7), (0.0, 0.7)):
        rules = TradingRules(TARGET_ACTIONS, pip_size, Costs(0.0, fill_bps), "mark_to_market")
        net, _, _ = play(foresight, walk, [start], steps, rules=rules)
        core = TradingCore(rules, len(sequences))
        core.reset(walk.close[at], at)
        for step in range(steps):
            here, there = walk.close[at + step], walk.close[at + step + 1]
            core.step(sequences[:, step], here, there, at + step, step + 1 == steps)
        # Exact in pips; within the price's relative change in basis points.
        close = 1e-9 if pip_size else 1e-3
        assert net[0] == pytest.approx(core.equity_pips.max(), rel=close)
        assert net[0] == pytest.approx(foresight.bound_pips[0], rel=close)


def test_baselines_go_to_the_whole_exposure_of_targets(walk):
    rules = TradingRules(TARGET_ACTIONS, 0.0, Costs(0.0, 6.0), "mark_to_market")
    net, actions, core = play(BUY_AND_HOLD, walk, STARTS, rules=rules)
    assert (actions == TARGET_ACTIONS.action_names.index("LONG_3")).all()
    rise = walk.close[STARTS + 360] / walk.close[STARTS]
    np.testing.assert_allclose(net, 10_000 * (rise - 1) - 6 - 6 * rise)
    assert set(play(momentum(5), walk, STARTS, rules=rules)[1].ravel()) <= {3, 6}
    assert not play(FLAT_POLICY, walk, STARTS, rules=rules)[0].any()
    assert core.ledger.trades().forced.all()


def test_nobody_beats_foresight(edge_market, optimum):
    bars, _, starts = edge_market
    bound, _, _ = play(PerfectForesight(), bars, starts[:60])
    for policy in all_policies(optimum):
        net, _, _ = play(policy, bars, starts[:60])
        assert (net <= bound + 1e-6).all()


def test_best_policy_earns_what_the_truth_says(edge_market, optimum):
    bars, truth, starts = edge_market
    net, _, _ = play(BestPolicy(optimum), bars, starts)
    hour = bars.open_time_ns[starts] // 3_600_000_000_000 % 24
    expected = np.array(truth["expected_pips_by_start_hour"])[hour]
    standard_error = np.std(net - expected) / np.sqrt(len(net))
    assert abs(np.mean(net - expected)) < 3 * standard_error
    best_momentum = max(play(momentum(n), bars, starts)[0].mean() for n in (5, 15, 30, 60))
    assert best_momentum < 0.75 * net.mean()


def test_best_policy_refuses_other_rules(edge_market, optimum):
    bars, _, _ = edge_market
    with pytest.raises(ValueError, match="sessions play by"):
        play(BestPolicy(optimum), bars, STARTS, cost=2.0)
