"""Limits on entries: one table of what is legal, which accounts, baselines and searches share."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, Churn, PerfectForesight, RandomPolicy
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingCore, TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.env import SessionEnv, observation_features
from mlx_muzero.trading.gains import fill_costs
from mlx_muzero.trading.positions import FX_ACTIONS, ILLEGAL, TARGET_ACTIONS

HOLD, BUY, SELL, CLOSE = range(4)
FLAT, LONG, SHORT = range(3)
TABLES = st.sampled_from([FX_ACTIONS, TARGET_ACTIONS])


@pytest.fixture(scope="module")
def dataset():
    bars, _ = random_walk(3, 5, session_bars=40)
    return MarketDataset.from_bars(bars, dataclasses.replace(FX_MICRO.market, session_bars=40))


def limited(entries, table=FX_ACTIONS):
    return TradingRules(table, costs=Costs(1.0), reward="mark_to_market", max_entries=entries)


@pytest.mark.parametrize("table", [FX_ACTIONS, TARGET_ACTIONS])
def test_without_a_limit_a_state_is_a_position(table):
    states = AccountStates(table)
    np.testing.assert_array_equal(states.next_state, table.next_position)
    np.testing.assert_array_equal(states.exposures, table.exposures)
    positions = np.arange(len(table.exposures), dtype=np.int32)
    assert states.of(positions, np.zeros_like(positions)) is positions
    for exposure in table.exposures:
        np.testing.assert_array_equal(
            states.actions_toward(positions, exposure), table.actions_toward(positions, exposure)
        )


@given(TABLES, st.integers(1, 4))
def test_entries_are_counted_and_end(table, entries):
    states = AccountStates(table, entries)
    after, legal = states.next_state, states.legal
    free = table.next_position[states.position] != ILLEGAL
    made = np.where(legal, states.entries_made[after] - states.entries_made[:, None], 0)
    held = states.exposures[:, None]
    wanted = np.where(free, table.exposures[table.next_position[states.position]], 0.0)
    grows = (abs(wanted) > abs(held)) | (held * wanted < 0.0)
    np.testing.assert_array_equal(made[legal], grows[legal].astype(int))
    spent = states.entries_made == entries
    assert not (grows & legal)[spent].any()
    # All else is as without a limit, so a position can always be reduced and closed.
    np.testing.assert_array_equal(legal[~spent], free[~spent])
    np.testing.assert_array_equal((legal | grows)[spent], (free | grows)[spent])


def test_a_reversal_counts_and_a_reduction_does_not():
    states = AccountStates(TARGET_ACTIONS, 2)
    half, full, short = (int(TARGET_ACTIONS.position_of(x)) for x in (0.6, 1.0, -1.0))
    path, state = [], 0
    for target in (full, half, short, 0):
        state = int(states.next_state[state, target])
        path.append(int(states.entries_made[state]))
    assert path == [1, 1, 2, 2]
    assert states.next_state[state, half] == ILLEGAL


def test_the_way_leads_as_near_as_the_entries_left_reach():
    states = AccountStates(FX_ACTIONS, 1)
    flat, long = np.int32(0), np.int32(states.of(np.int32(LONG), np.int32(1)))
    spent = np.int32(states.of(np.int32(FLAT), np.int32(1)))
    assert states.actions_toward(flat, -1.0) == SELL
    assert states.actions_toward(long, -1.0) == CLOSE  # to flat, and no further
    assert states.actions_toward(spent, 1.0) == HOLD
    targets = AccountStates(TARGET_ACTIONS, 1)
    held = targets.of(TARGET_ACTIONS.position_of(0.6), np.int32(1))
    assert targets.actions_toward(held, 1.0) == TARGET_ACTIONS.position_of(0.6)
    assert targets.actions_toward(held, 0.3) == TARGET_ACTIONS.position_of(0.3)


def test_a_core_refuses_the_entry_that_is_too_many():
    core = TradingCore(limited(1), 2)
    price = np.array([100.0, 100.0])
    core.reset(price, np.zeros(2, np.int64))
    done = core.execute(np.array([BUY, HOLD]), price, np.int64(0))
    assert done.entered.tolist() == [True, False]
    core.execute(np.array([CLOSE, HOLD]), price, np.int64(1))
    done = core.execute(np.array([SELL, SELL]), price, np.int64(2))
    assert done.illegal.tolist() == [True, False]
    assert core.position.tolist() == [FLAT, SHORT]
    assert core.illegal_actions.tolist() == [1, 0]
    assert core.entries_made.tolist() == [1, 1]
    core.reset(price, np.zeros(2, np.int64))
    assert core.account_state.tolist() == [FLAT, FLAT]


def test_entries_survive_a_restart_and_records_without_a_limit_are_as_before():
    core, again = TradingCore(limited(2), 1), TradingCore(limited(2), 1)
    core.execute(np.array([BUY]), np.ones(1), np.int64(0))
    again.restore(core.state())
    assert again.account_state == core.account_state == 4
    assert "entries_made" not in TradingCore(limited(0), 1).state()


@pytest.mark.slow
@given(st.sampled_from([FX_ACTIONS, TARGET_ACTIONS]), st.integers(1, 3), st.integers(0, 2**32))
def test_no_baseline_enters_too_often(dataset, table, entries, seed):
    rules = limited(entries, table)
    starts = dataset.evaluation_starts("train")[:3]
    for policy in (BUY_AND_HOLD, Churn(), RandomPolicy(seed), PerfectForesight()):
        env = SessionEnv(dataset, rules, starts)
        policy.reset(env)
        while not env.done:
            env.step(policy.act(env))
        assert not env.core.illegal_actions.any(), policy.name
        if table is FX_ACTIONS:
            trades = env.core.ledger.trades()
            assert np.bincount(trades.account, minlength=3).max() <= entries


def test_hindsight_earns_more_the_more_entries_it_has(dataset):
    starts = dataset.evaluation_starts("train")[:4]
    bounds = []
    for entries in (1, 2, 4, 0):
        foresight = PerfectForesight()
        foresight.reset(SessionEnv(dataset, limited(entries), starts))
        env = SessionEnv(dataset, limited(entries), starts)
        while not env.done:
            env.step(foresight.act(env))
        np.testing.assert_allclose(env.core.equity_pips, foresight.bound_pips)
        bounds.append(foresight.bound_pips)
    assert (np.diff(bounds, axis=0) >= 0.0).all()
    assert bounds[0].sum() < bounds[-1].sum()


def test_what_is_left_is_observed_only_where_it_is_limited(dataset):
    free, few = limited(0), limited(4)
    assert few.position_features == (*free.position_features, "entries_left")
    env = SessionEnv(dataset, few, dataset.evaluation_starts("train")[:1])
    assert env.observe()[0, -1, -1] == 1.0
    env.step(np.array([BUY], np.int32))
    assert env.observe()[0, -1, -1] == 0.75
    plain = SessionEnv(dataset, free, dataset.evaluation_starts("train")[:1])
    plain.step(np.array([BUY], np.int32))
    np.testing.assert_array_equal(plain.observe(), env.observe()[:, :, :-1])
    for preset in (FX_MICRO, CRYPTO):
        assert "entries_left" not in observation_features(preset)


def test_costs_are_those_of_the_positions():
    rules, price = limited(2), np.full(2, 100.0)
    paid, free = fill_costs(price, rules), fill_costs(price, limited(0))
    legal = rules.states.legal
    np.testing.assert_array_equal(np.isfinite(paid[0]), legal)
    np.testing.assert_array_equal(paid[:, legal], free[:, rules.states.position][:, legal])


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="0 means no limit"):
        AccountStates(FX_ACTIONS, -1)


@given(st.integers(0, 4), st.integers(0, 4))
def test_a_state_is_seen_with_its_position_and_as_many_entries_left(own, known):
    now, then = AccountStates(FX_ACTIONS, own), AccountStates(FX_ACTIONS, known)
    seen = now.seen_as(then)
    np.testing.assert_array_equal(then.position[seen], now.position)
    left = then.entries_left(seen)
    wanted = np.minimum(now.entries_left(np.arange(now.count)), known) if own else known
    np.testing.assert_array_equal(left, wanted)
    if own == known:
        np.testing.assert_array_equal(seen, np.arange(now.count))
