"""Batches of training bars: what each position earns, and then the best decision."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest

from factored_models import factored_config, weights_of
from markets import walk_bars
from mlx_muzero import rng
from mlx_muzero.errors import DataError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.gains import gains, unit_moves
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS
from mlx_muzero.training.bar_batches import BarSampler, learnable_bars, measure_usual
from mlx_muzero.training.bar_weights import bar_weights
from mlx_muzero.training.factored_losses import DeviceBarBatch, factored_losses
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model

STEPS, DISCOUNT = 2, 0.9


@pytest.fixture(scope="module")
def config(small_config):
    return factored_config(small_config)


@pytest.fixture(scope="module")
def dataset(config):
    return MarketDataset.from_bars(walk_bars(1500), config.market)


def sampler_of(config, dataset, fill="close"):
    trading = dataclasses.replace(config.trading, fill=fill)
    rules = TradingRules.from_config(dataclasses.replace(config, trading=trading))
    model = build_model(config, rules.table)
    measure_usual(model, dataset, rules)
    return BarSampler(dataset, rules, model, STEPS, DISCOUNT), rules, model


def keys(count):
    return rng.key(0, rng.Stream.BATCH, 0, np.arange(count))


def drawn(sampler, count):
    return sampler.bars[(rng.uniform(keys(count)) * len(sampler.bars)).astype(np.int64)]


def test_bars_to_learn_from_lie_in_training_sessions(config, dataset):
    starts, steps = dataset.training_starts(), config.market.session_bars
    wanted = {
        int(start) + step for start in starts for step in range(steps - 3) if step + 4 <= steps
    }
    bars = learnable_bars(dataset, 4)
    assert {int(bar) for bar in bars} >= wanted
    last = starts[:, None] + steps
    assert all(((starts <= bar) & (bar + 4 <= last[:, 0])).any() for bar in bars)


@pytest.mark.parametrize("beyond", [1, 2, 7])
def test_sessions_too_short_to_learn_from_give_no_bars(config, dataset, beyond):
    """Not those next to the session, of which some belong to the validation."""
    bars = config.market.session_bars
    assert len(learnable_bars(dataset, bars)) == len(dataset.training_starts())
    with pytest.raises(DataError, match=f"no bar .* has {bars + beyond} bars"):
        learnable_bars(dataset, bars + beyond)


@pytest.mark.parametrize("fill", ["close", "next_open"])
def test_rewards_are_those_of_an_account_that_holds_each_position(config, dataset, fill):
    """A new model expects nothing later, so the targets are the rewards, which an account earns."""
    sampler, rules, model = sampler_of(config, dataset, fill)
    batch = sampler.batch(keys(32), weights_of(model))
    bar, table = drawn(sampler, 32), rules.table
    for position, entering in ((1, "BUY"), (2, "SELL")):
        # The account enters a bar before and holds: from this bar's fill on, it earns the move.
        env = SessionEnv(dataset, dataclasses.replace(rules, costs=free()), bar - 1)
        env.step(np.full(32, table.action_names.index(entering), np.int32))
        env.core.execute(np.zeros(32, np.int32), env.fill_price[bar], bar)
        at_fill = env.core.equity_pips.copy()
        env.core.mark(env.fill_price[bar + 1], bar + 1)
        earned = env.core.equity_pips - at_fill
        np.testing.assert_allclose(batch.worth[:, 0, position], earned, rtol=1e-4, atol=1e-4)
    assert not batch.worth[:, :, 0].any()
    np.testing.assert_allclose(batch.move, batch.worth[..., 1], rtol=1e-6)


def free():
    return dataclasses.replace(TradingRules().costs, round_trip_pips=0.0)


def test_what_follows_is_discounted_less_its_cost(config, dataset):
    sampler, rules, model = sampler_of(config, dataset)
    rewards = sampler.batch(keys(8), weights_of(model)).worth
    model.worth_head.output.bias = mx.array([0.0, 3.0, -2.0])
    unit = 5.0 * float(model.usual.move_pips)
    worth = sampler.batch(keys(8), weights_of(model)).worth
    cost = rules.costs.round_trip_pips
    later = np.array([max(0.0, 3.0 * unit - cost), max(3.0 * unit, 0.0), max(-2.0 * unit, 0.0)])
    np.testing.assert_allclose(
        worth - rewards, np.broadcast_to(DISCOUNT * later, worth.shape), rtol=1e-3
    )


def test_a_position_may_be_held_for_several_bars_before_the_next_decision(config, dataset):
    """Its target is what it earns, and then the best decision, whose cost may weigh more."""
    one, rules, model = sampler_of(config, dataset)
    model.worth_head.output.bias = mx.array([0.0, 3.0, -2.0])
    held = BarSampler(dataset, rules, model, STEPS, DISCOUNT, hold_bars=3, cost_factor=2.0)
    held.bars = one.bars = held.bars
    batch, weights = held.batch(keys(8), weights_of(model)), weights_of(model)
    bar, table = drawn(held, 8), rules.table
    moved = np.diff(dataset.close) / rules.pip_size
    unit, cost = 5.0 * float(model.usual.move_pips), 2.0 * rules.costs.round_trip_pips
    later = np.array([max(0.0, 3.0 * unit - cost), max(3.0 * unit, 0.0), max(-2.0 * unit, 0.0)])
    earned = sum(DISCOUNT**ahead * moved[bar + ahead] for ahead in range(3))
    wanted = earned[:, None] * table.exposures + DISCOUNT**3 * later
    np.testing.assert_allclose(batch.worth[:, 0], wanted, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(batch.move, one.batch(keys(8), weights).move)


HOLD = 5


@pytest.fixture(scope="module")
def days(config):
    """Sessions of twenty decisions, one each day, whose bars do not open where others close."""
    market = dataclasses.replace(
        config.market, session_start="09:20 Asia/Tokyo", session_bars=20, max_gap_minutes=5
    )
    bars = walk_bars(4 * 1440)
    opened = dataclasses.replace(bars, open=bars.open + 0.004 * (np.arange(len(bars)) % 3))
    return dataclasses.replace(config, market=market), MarketDataset.from_bars(opened, market)


def last_of(dataset, bar):
    """The last decision of the session that each training bar lies in."""
    starts = dataset.training_starts()
    return starts[np.searchsorted(starts, bar, side="right") - 1] + dataset.config.session_bars - 1


def test_the_end_of_a_day_ends_what_a_target_holds(days):
    """What a model says of bars after it is arbitrary, since it learns from none of them."""
    config, dataset = days
    rules = TradingRules.from_config(
        dataclasses.replace(config, trading=dataclasses.replace(config.trading, fill="next_open"))
    )
    model = build_model(config, rules.table)
    measure_usual(model, dataset, rules)
    model.worth_head.output.bias = mx.array([0.0, 3.0, -2.0])
    sampler = BarSampler(dataset, rules, model, STEPS, DISCOUNT, hold_bars=HOLD)
    starts, decisions = dataset.training_starts(), config.market.session_bars
    assert {*sampler.bars} == {*(starts[:, None] + np.arange(decisions - STEPS)).ravel()}
    batch, bar = sampler.batch(keys(64), weights_of(model)), drawn(sampler, 64)
    last = last_of(dataset, bar)
    fills = np.append(dataset.open[1:], np.nan)
    worth = 5.0 * float(model.usual.move_pips) * np.array([0.0, 3.0, -2.0])
    best = np.array([max(0.0, worth[1] - rules.costs.round_trip_pips), worth[1], 0.0])
    seen = set()
    for row, step in np.ndindex(64, STEPS + 1):
        first, end = bar[row] + step, last[row]
        decided = np.arange(first, min(first + HOLD, end + 1))
        after = np.where(decided == end, dataset.close[decided + 1], fills[decided + 1])
        moved = (after - fills[decided]) / rules.pip_size
        wanted = (DISCOUNT ** np.arange(len(moved)) @ moved) * rules.table.exposures
        if first + HOLD <= end:
            wanted = wanted + DISCOUNT**HOLD * best
        np.testing.assert_allclose(batch.worth[row, step], wanted, rtol=1e-3, atol=1e-3)
        seen.add(len(decided))
    assert seen == {*range(1, HOLD + 1)}


def test_going_flat_at_the_end_of_a_day_is_paid_where_leaving_costs(days):
    config, dataset = days
    trading = dataclasses.replace(
        config.trading, round_trip_cost_pips=0.0, taker_fee_bps=5.0, fill="next_open"
    )
    rules = TradingRules.from_config(dataclasses.replace(config, trading=trading))
    model = build_model(config, rules.table)
    measure_usual(model, dataset, rules)
    charged = BarSampler(dataset, rules, model, 0, DISCOUNT, hold_bars=HOLD, cost_factor=2.0)
    free_of_it = dataclasses.replace(rules, costs=free())
    free_one = BarSampler(dataset, free_of_it, model, 0, DISCOUNT, hold_bars=HOLD)
    weights = weights_of(model)
    paid = (free_one.batch(keys(64), weights).worth - charged.batch(keys(64), weights).worth)[:, 0]
    bar = drawn(charged, 64)
    ended = bar + HOLD > last_of(dataset, bar)
    fee = 5e-4 * dataset.close[last_of(dataset, bar)[ended] + 1] / rules.pip_size
    wanted = np.repeat(DISCOUNT**HOLD * 2.0 * fee[:, None], 2, axis=1)
    np.testing.assert_allclose(paid[ended, 1:], wanted, rtol=1e-4)
    assert not paid[~ended].any()
    assert not paid[:, 0].any()


def test_errors_count_by_the_inverse_of_the_variance(config):
    """A market twice as wild has a quarter of the weight, and so has what it taught."""
    bars = walk_bars(3000)
    wild = np.repeat([1.0, 2.0, 0.0], 1000)
    close = np.round(110.0 + np.cumsum(wild * np.diff(bars.close, prepend=110.0)), 3)
    market = MarketDataset.from_bars(
        dataclasses.replace(bars, open=close, high=close, low=close, close=close), config.market
    )
    bars = np.arange(200, 2800)
    weight = bar_weights(market, 0.01, bars, 100)
    assert weight[bars].mean() == pytest.approx(1.0, rel=1e-4)
    assert weight[1100:2000].mean() / weight[200:1000].mean() == pytest.approx(0.25, rel=0.1)
    assert weight[2100:].max() == pytest.approx(100.0 * np.median(weight[bars]), rel=0.1)
    assert (bar_weights(market, 0.01, bars, 0) == 1.0).all()
    rules = TradingRules.from_config(config)
    model = build_model(config, rules.table)
    measure_usual(model, market, rules)
    sampler = BarSampler(market, rules, model, STEPS, DISCOUNT, volatility_bars=100)
    batch = sampler.batch(keys(8), weights_of(model))
    each = bar_weights(market, rules.pip_size, sampler.bars, 100)
    np.testing.assert_array_equal(batch.weight, each[drawn(sampler, 8)])

    def value(weight):
        rows = dataclasses.replace(batch, weight=weight.astype(np.float32))
        return float(factored_losses(model, DeviceBarBatch.of(rows))["value"])

    apart = [value(8.0 * np.eye(8)[row]) for row in range(8)]
    assert value(batch.weight) == pytest.approx(np.mean(batch.weight * apart), rel=1e-4)


def test_worth_alone_is_learned_where_nothing_is_unrolled(config, dataset):
    train = dataclasses.replace(config.train, num_unroll_steps=0)
    rules = TradingRules.from_config(config)
    model, copy = (build_model(config, rules.table) for _ in range(2))
    measure_usual(model, dataset, rules)
    sampler = BarSampler(dataset, rules, copy, 0, DISCOUNT, hold_bars=3)
    learner = Learner(model, train)
    before = np.array(model.outcome_head.hidden.weight)
    losses = [learner.step(sampler.batch(keys(64), weights_of(model))).losses for _ in range(20)]
    assert set(losses[0]) == {"value"}
    assert losses[-1]["value"] < losses[0]["value"]
    moved = np.abs(np.array(model.outcome_head.hidden.weight) - before).max()
    assert moved < 1e-4  # by weight decay alone


def test_members_learn_from_their_own_rows_and_teach_themselves(config, dataset):
    """So each ends where it would have ended alone, had it seen its rows only."""
    sizes = dataclasses.replace(config.model, members=2)
    sampler, rules, both = sampler_of(dataclasses.replace(config, model=sizes), dataset)
    random = np.random.default_rng(0)
    for networks in both.members:
        shape = networks.worth_head.output.weight.shape
        networks.worth_head.output.weight = mx.array(random.normal(size=shape).astype(np.float32))
    batch = sampler.batch(keys(12), weights_of(both))
    alone = sampler_of(config, dataset)[2]
    weights = weights_of(both)
    for member, rows in ((0, slice(0, 6)), (1, slice(6, 12))):
        prefix = "" if member == 0 else "others.0."
        alone.load_weights(
            [(name, weights.get(prefix + name, weights[name])) for name in weights_of(alone)]
        )
        single = BarSampler(dataset, rules, alone, STEPS, DISCOUNT)
        found = single.batch(keys(12), weights_of(alone))
        np.testing.assert_allclose(batch.worth[rows], found.worth[rows], rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(batch.rows[rows], found.rows[rows])


def test_a_batch_knows_nothing_beyond_its_bars(config, dataset):
    sampler, _, model = sampler_of(config, dataset, "next_open")
    batch = sampler.batch(keys(16), weights_of(model))
    bar = drawn(sampler, 16)
    last = int(bar.max()) + STEPS + 2
    bars = walk_bars(1500)
    shock = np.where(np.arange(1500) > last, 5.0, 0.0)
    prices = {name: getattr(bars, name) + shock for name in ("open", "high", "low", "close")}
    other = MarketDataset.from_bars(dataclasses.replace(bars, **prices), config.market)
    again = sampler_of(config, other, "next_open")[0]
    again.bars = sampler.bars
    twin = again.batch(keys(16), weights_of(model))
    for name in ("rows", "outcome", "move", "worth"):
        np.testing.assert_array_equal(getattr(batch, name), getattr(twin, name), err_msg=name)


def test_mirrored_rows_are_those_of_the_mirrored_market(config, dataset):
    bars = walk_bars(1500)
    swapped = {"open": bars.open, "high": bars.low, "low": bars.high, "close": bars.close}
    upside_down = {name: 300.0 - prices for name, prices in swapped.items()}
    other = MarketDataset.from_bars(dataclasses.replace(bars, **upside_down), config.market)
    plain, _, model = sampler_of(config, dataset)
    random = np.random.default_rng(0)
    shape = model.worth_head.output.weight.shape
    model.worth_head.output.weight = mx.array(random.normal(size=shape).astype(np.float32))
    rules = TradingRules.from_config(config)
    both = BarSampler(dataset, rules, model, STEPS, DISCOUNT, mirrored=True)
    turned = BarSampler(other, rules, model, STEPS, DISCOUNT)
    np.testing.assert_array_equal(turned.bars, plain.bars)
    weights = weights_of(model)
    batches = [sampler.batch(keys(16), weights) for sampler in (both, plain, turned)]
    for name in ("rows", "outcome", "move", "worth"):
        mixed, upright, over = (getattr(batch, name) for batch in batches)
        np.testing.assert_array_equal(mixed[::2], upright[::2], err_msg=name)
        np.testing.assert_allclose(mixed[1::2], over[1::2], atol=2e-4, err_msg=name)


def test_the_chain_counts_what_followed_what(config, dataset):
    sampler, _, model = sampler_of(config, dataset)
    random = np.random.default_rng(0)
    shape = model.worth_head.output.weight.shape
    model.worth_head.output.weight = mx.array(random.normal(size=shape).astype(np.float32))
    chain = sampler.measured(weights_of(model))
    transition = np.array(chain["chain.transition"])
    np.testing.assert_allclose(transition.sum(axis=1), 1.0, rtol=1e-5)
    assert (transition >= 0.0).all()
    again = sampler.measured(weights_of(model))
    assert all(np.array_equal(chain[name], again[name]) for name in chain)


@pytest.mark.parametrize("table", [FX_ACTIONS, TARGET_ACTIONS])
def test_the_move_of_an_exposure_of_1_gives_what_every_position_earns(config, dataset, table):
    rules = dataclasses.replace(TradingRules.from_config(config), table=table)
    bars = learnable_bars(dataset, STEPS)[:20, None] + np.arange(STEPS)
    earned = gains(dataset, rules, bars, final=False)
    moved = unit_moves(earned, rules)
    np.testing.assert_allclose(moved[..., None] * table.exposures, earned, atol=1e-9)
