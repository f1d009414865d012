"""Worth that is told the bars left, or the cost: its targets, and whole runs that learn it."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from markets import walk_bars
from mlx_muzero import rng
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.known_inputs import NOTHING_KNOWN, KnownInputs
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.gains import gains, known_costs
from mlx_muzero.training.bar_batches import BarSampler, measure_usual
from mlx_muzero.training.models import build_factored
from mlx_muzero.training.path_batches import TRACE, PathSampler
from runs import assert_same_run, at_poll, make_trainer

STEPS, LOW, HIGH = 2, 1.0, 8.0


def configured(small_config, **changes):
    factored = PRESETS["fx_factored"]
    config = dataclasses.replace(
        factored,
        market=small_config.market,
        model=dataclasses.replace(factored.model, latent_width=16, chain_states=8),
        search=dataclasses.replace(factored.search, backend="mlx"),
        train=dataclasses.replace(
            factored.train,
            episodes=6,
            batch_size=16,
            mirrored=False,
            validate_interval=3,
            validate_sessions=3,
            checkpoint_interval=3,
        ),
    )
    return config_toml.override(config, [f"{key}={value}" for key, value in changes.items()])


@pytest.fixture(scope="module")
def few(small_config):
    return configured(small_config, **{"trading.max_entries": 2})


@pytest.fixture(scope="module")
def drawn(small_config):
    costs = {"train.cost_low_pips": LOW, "train.cost_high_pips": HIGH}
    return configured(small_config, **costs)


@pytest.fixture(scope="module")
def dataset(few):
    return MarketDataset.from_bars(walk_bars(1500), few.market)


def model_of(config, dataset):
    rules = TradingRules.from_config(config)
    model = build_factored(config, rules.table)
    measure_usual(model, dataset, rules)
    shape = model.worth_head.output.weight.shape
    weight = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    model.worth_head.output.weight = mx.array(weight)
    return model, rules


def keys(count):
    return rng.key(0, rng.Stream.BATCH, 0, np.arange(count))


def weights_of(model):
    return dict(tree_flatten(model.parameters()))


def worth_at(model, dataset, bar, known):
    rows = mx.array(dataset.read_rows(np.array([bar]), model.history))
    return np.array(model.worth(model.representation_of_rows(rows), mx.array(known[None])))[0]


def test_what_is_known_is_told_in_columns_near_one():
    known = KnownInputs(360, (1.0, 8.0))
    rows = known.rows(np.array([1, 360]), np.array([1.0, 8.0]))
    assert rows.shape == (2, known.columns) == (2, 4)
    assert (rows > 0.0).all()
    np.testing.assert_allclose(rows[1], 1.0)
    assert NOTHING_KNOWN.rows(np.array([1]), np.array([1.0])).shape == (1, 0)
    assert (known.discount(0.9), NOTHING_KNOWN.discount(0.9)) == (1.0, 0.9)
    assert [known.learned_cost(cost) for cost in (0.0, 4.0, 9.0)] == [1.0, 4.0, 8.0]
    with pytest.raises(ValueError, match="one cost"):
        NOTHING_KNOWN.learned_cost(4.0)


def test_only_a_limit_or_a_range_adds_inputs(small_config, few, drawn):
    plain = configured(small_config)
    assert KnownInputs.of(plain) == NOTHING_KNOWN
    assert KnownInputs.of(few) == KnownInputs(few.market.session_bars)
    assert KnownInputs.of(drawn) == KnownInputs(0, (LOW, HIGH))


def test_targets_follow_what_the_playing_weights_decide(few, dataset):
    """Against a recursion over single bars; every path has its own number of bars left."""
    model, rules = model_of(few, dataset)
    sampler = PathSampler(dataset, rules, model, STEPS, 1.0)
    batch = sampler.batch(keys(64), weights_of(model))
    known, states = few.market.session_bars, rules.states
    length = min(32, known - STEPS - 2)
    span = length + STEPS
    key = keys(64)[: -(-64 // length)]
    starts = sampler._starts[(rng.uniform(key) * len(sampler._starts)).astype(np.int64)]
    left_after = sampler._left_after(key, span, length)

    def target(path, step):
        bar, left = starts[path] + step, left_after[path] + span - step
        earned = gains(dataset, rules, np.array([[bar]]), final=left == 1)[0, 0]
        if left == 1:
            return earned
        told = model.known.rows(np.array([left - 1]), np.zeros(1))[0]
        paid = known_costs(dataset, rules, np.array([bar + 1]))[0]
        choices = worth_at(model, dataset, bar + 1, told)[states.next_state] - paid
        best, action = choices.max(axis=1), choices.argmax(axis=1)
        if step + 1 == span:
            return earned + best
        row = np.arange(states.count)
        followed = target(path, step + 1)[states.next_state[row, action]] - paid[row, action]
        return earned + TRACE * followed + (1.0 - TRACE) * best

    for row in (0, length - 1, length):
        path, place = divmod(row, length)
        for step in range(STEPS + 1):
            wanted = target(path, place + step)
            np.testing.assert_allclose(batch.worth[row, step], wanted, rtol=1e-4, atol=1e-3)
            told = model.known.rows(np.array([left_after[path] + span - place - step]), np.zeros(1))
            np.testing.assert_array_equal(batch.known[row, step], told[0])
    assert batch.rows.shape[0] == len(batch.worth) == 64


def test_a_session_that_ends_is_worth_its_last_bar(few, dataset):
    model, rules = model_of(few, dataset)
    sampler = PathSampler(dataset, rules, model, STEPS, 1.0)
    batch = sampler.batch(keys(512), weights_of(model))
    last = np.isclose(batch.known[:, STEPS, 0], 1.0 / few.market.session_bars)
    assert last.any()
    moved = batch.move[last, STEPS][:, None] * rules.states.exposures
    np.testing.assert_allclose(batch.worth[last, STEPS], moved, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [1, 5, 33])
def test_any_number_of_rows_is_a_batch(few, dataset, count):
    model, rules = model_of(few, dataset)
    batch = PathSampler(dataset, rules, model, STEPS, 1.0).batch(keys(count), weights_of(model))
    states = rules.states.count
    assert batch.worth.shape == (count, STEPS + 1, states)
    assert batch.outcome.shape == (count, STEPS)
    assert np.isfinite(batch.worth).all()


def test_a_drawn_cost_is_charged_and_told(drawn, dataset):
    """The targets of a row are those of a sampler that knows its cost alone."""
    model, rules = model_of(drawn, dataset)
    sampler = BarSampler(dataset, rules, model, STEPS, 0.9)
    batch = sampler.batch(keys(64), weights_of(model))
    cost = batch.known[:, 0, 0] * HIGH
    assert LOW <= cost.min() < cost.max() <= HIGH
    assert np.ptp(cost) > 0.5 * (HIGH - LOW)
    bar = sampler.bars[(rng.uniform(keys(64)) * len(sampler.bars)).astype(np.int64)]
    for row in range(4):
        own = dataclasses.replace(rules, costs=Costs(float(cost[row])))
        paid = known_costs(dataset, own, bar[[row]] + 1)[0]
        worth = worth_at(model, dataset, bar[row] + 1, batch.known[row, 0])
        later = (worth[rules.states.next_state] - paid).max(axis=1)
        earned = gains(dataset, rules, bar[[row], None], final=False)[0, 0]
        np.testing.assert_allclose(batch.worth[row, 0], earned + 0.9 * later, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["few", "drawn"])
def test_a_resumed_run_is_the_uninterrupted_one(name, dataset, tmp_path, request):
    config = request.getfixturevalue(name)
    whole = make_trainer(tmp_path / "whole", config, dataset)
    assert whole.run()
    assert not make_trainer(tmp_path / "cut", config, dataset, at_poll(5)).run()
    resumed = make_trainer(tmp_path / "cut", config, dataset)
    assert resumed.run()
    one, other = (trainer.state.checkpoint().weights for trainer in (whole, resumed))
    assert_same_run(*({name: np.array(a) for name, a in each.items()} for each in (one, other)))


def test_paths_end_with_the_session_as_often_as_anywhere(few, dataset):
    model, rules = model_of(few, dataset)
    sampler, session = PathSampler(dataset, rules, model, STEPS, 1.0), few.market.session_bars
    left = np.concatenate(
        [
            sampler.batch(
                rng.key(0, rng.Stream.BATCH, step, np.arange(512)), weights_of(model)
            ).known[:, 0, 0]
            for step in range(8)
        ]
    )
    share = np.bincount((left * session).round().astype(int), minlength=session + 1)[1:] / len(left)
    # The last bars are those that rows are unrolled to.
    assert share[STEPS:].min() > 0.4 / session
    assert share.max() < 4.0 / session


def test_a_trained_agent_spends_no_more_than_it_has(few, dataset, tmp_path):
    trainer = make_trainer(tmp_path / "run", few, dataset)
    assert trainer.run()
    starts = dataset.evaluation_starts("validation")[:3]
    played = backtest(SearchPolicy(trainer.player.agent, 12), dataset, trainer.rules, starts)
    assert np.bincount(played.trades.account, minlength=3).max() <= 2
    again = backtest(SearchPolicy(trainer.player.agent, 12), dataset, trainer.rules, starts)
    np.testing.assert_array_equal(played.equity_pips, again.equity_pips)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("train.cost_high_pips=2", "model.kind=muzero"), "drawn costs"),
        (("train.cost_high_pips=2", "train.cost_low_pips=2"), "below the greatest"),
        (("train.cost_high_pips=2", "trading.cost=quotes"), "drawn costs need"),
        (("train.cost_high_pips=2", "trading.cost_clock_minutes=5"), "every minute"),
        (("trading.max_entries=2", "market.session_bars=4"), "three more bars"),
    ],
)
def test_what_does_not_fit_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        config_toml.override(PRESETS["fx_factored"], list(keys))
