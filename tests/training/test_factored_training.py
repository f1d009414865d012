"""Learning the market alone: batches of bars, the chain measured on them, whole runs."""

import dataclasses
import json

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from factored_models import factored_config
from markets import walk_bars
from mlx_muzero import rng
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.errors import ConfigError, DataError
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.market.synthetic.markets import planted_edge
from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.gains import gains, unit_moves
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS
from mlx_muzero.training import chain_measuring
from mlx_muzero.training.bar_batches import BarSampler, learnable_bars, measure_usual
from mlx_muzero.training.bar_weights import bar_weights
from mlx_muzero.training.factored_losses import DeviceBarBatch, factored_losses
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model, measure_observations, starting_weights
from mlx_muzero.training.progress import Counters
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.resumable_state import ResumableState
from runs import assert_same_run, at_poll, make_trainer

STEPS, DISCOUNT = 2, 0.9


@pytest.fixture(scope="module")
def config(small_config):
    small = factored_config(small_config)
    return dataclasses.replace(
        small,
        train=dataclasses.replace(
            small.train,
            episodes=12,
            batch_size=16,
            validate_interval=4,
            validate_sessions=3,
            checkpoint_interval=4,
        ),
    )


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


@pytest.mark.parametrize("fill", ["close", "next_open"])
def test_rewards_are_those_of_an_account_that_holds_each_position(config, dataset, fill):
    """A new model expects nothing later, so the targets are the rewards, which an account earns."""
    sampler, rules, model = sampler_of(config, dataset, fill)
    batch = sampler.batch(keys(32), dict_of(model))
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


def dict_of(model):
    return dict(tree_flatten(model.parameters()))


def test_what_follows_is_discounted_less_its_cost(config, dataset):
    sampler, rules, model = sampler_of(config, dataset)
    rewards = sampler.batch(keys(8), dict_of(model)).worth
    model.worth_head.output.bias = mx.array([0.0, 3.0, -2.0])
    unit = 5.0 * float(model.usual.move_pips)
    worth = sampler.batch(keys(8), dict_of(model)).worth
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
    batch, weights = held.batch(keys(8), dict_of(model)), dict_of(model)
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
    batch, bar = sampler.batch(keys(64), dict_of(model)), drawn(sampler, 64)
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
    weights = dict_of(model)
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
    batch = sampler.batch(keys(8), dict_of(model))
    each = bar_weights(market, rules.pip_size, sampler.bars, 100)
    np.testing.assert_array_equal(batch.weight, each[drawn(sampler, 8)])

    def value(weight):
        rows = dataclasses.replace(batch, weight=weight.astype(np.float32))
        return float(factored_losses(model, DeviceBarBatch.of(rows))["value"])

    apart = [value(8.0 * np.eye(8)[row]) for row in range(8)]
    assert value(batch.weight) == pytest.approx(np.mean(batch.weight * apart), rel=1e-4)


def test_a_model_of_market_and_account_is_unrolled():
    with pytest.raises(ConfigError, match="only a factored model can be learned without"):
        config_toml.override(PRESETS["fx_small"], ["train.num_unroll_steps=0"])


def test_worth_alone_is_learned_where_nothing_is_unrolled(config, dataset):
    train = dataclasses.replace(config.train, num_unroll_steps=0)
    rules = TradingRules.from_config(config)
    model, copy = (build_model(config, rules.table) for _ in range(2))
    measure_usual(model, dataset, rules)
    sampler = BarSampler(dataset, rules, copy, 0, DISCOUNT, hold_bars=3)
    learner = Learner(model, train)
    before = np.array(model.outcome_head.hidden.weight)
    losses = [learner.step(sampler.batch(keys(64), dict_of(model))).losses for _ in range(20)]
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
    batch = sampler.batch(keys(12), dict_of(both))
    alone = sampler_of(config, dataset)[2]
    weights = dict_of(both)
    for member, rows in ((0, slice(0, 6)), (1, slice(6, 12))):
        prefix = "" if member == 0 else "others.0."
        alone.load_weights(
            [(name, weights.get(prefix + name, weights[name])) for name in dict_of(alone)]
        )
        single = BarSampler(dataset, rules, alone, STEPS, DISCOUNT)
        found = single.batch(keys(12), dict_of(alone))
        np.testing.assert_allclose(batch.worth[rows], found.worth[rows], rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(batch.rows[rows], found.rows[rows])


def test_a_batch_knows_nothing_beyond_its_bars(config, dataset):
    sampler, _, model = sampler_of(config, dataset, "next_open")
    batch = sampler.batch(keys(16), dict_of(model))
    bar = drawn(sampler, 16)
    last = int(bar.max()) + STEPS + 2
    bars = walk_bars(1500)
    shock = np.where(np.arange(1500) > last, 5.0, 0.0)
    prices = {name: getattr(bars, name) + shock for name in ("open", "high", "low", "close")}
    other = MarketDataset.from_bars(dataclasses.replace(bars, **prices), config.market)
    again = sampler_of(config, other, "next_open")[0]
    again.bars = sampler.bars
    twin = again.batch(keys(16), dict_of(model))
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
    weights = dict_of(model)
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
    chain = sampler.measured(dict_of(model))
    transition = np.array(chain["chain.transition"])
    np.testing.assert_allclose(transition.sum(axis=1), 1.0, rtol=1e-5)
    assert (transition >= 0.0).all()
    again = sampler.measured(dict_of(model))
    assert all(np.array_equal(chain[name], again[name]) for name in chain)


def test_a_run_learns_validates_and_says_so(config, dataset, tmp_path):
    trainer = make_trainer(tmp_path / "run", config, dataset)
    assert trainer.run()
    told = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").open()]
    names = [event["event"] for event in told]
    assert names.count("validated") == 3
    assert "collected" not in names
    assert [e["episodes"] for e in told if e["event"] == "advanced"][-1] == 12
    assert trainer.counters.steps == 12


def test_a_resumed_run_is_the_uninterrupted_one(config, dataset, tmp_path):
    whole = make_trainer(tmp_path / "whole", config, dataset)
    assert whole.run()
    for polls in (3, 9, 17):
        path = tmp_path / str(polls)
        assert not make_trainer(path, config, dataset, at_poll(polls)).run()
        resumed = make_trainer(path, config, dataset)
        assert resumed.run()
        assert_same_run(arrays_of(whole), arrays_of(resumed))


def arrays_of(trainer):
    saved = trainer.state.checkpoint()
    return {name: np.array(array) for name, array in (saved.weights | saved.optimizer).items()}


def test_it_learns_a_planted_edge_in_seconds(config):
    bars, _ = planted_edge(3, 12, round_trip_cost_pips=4.0, session_bars=120)
    market = dataclasses.replace(config.market, session_bars=120)
    wide = dataclasses.replace(config.model, latent_width=32)
    config = dataclasses.replace(config, market=market, model=wide)
    planted = MarketDataset.from_bars(bars, market)
    sampler, rules, _ = sampler_of(config, planted)
    model = build_model(config, rules.table)
    measure_observations(model, planted)
    measure_usual(model, planted, rules)
    learner = Learner(model, dataclasses.replace(config.train, average_decay=0.95))
    for step in range(150):
        rows = rng.key(0, rng.Stream.BATCH, step, np.arange(128))
        learner.step(sampler.batch(rows, learner.playing_weights()))
    agent = FactoredAgent(model, config.search, rules)
    starts = planted.evaluation_starts("test")
    metrics = backtest(SearchPolicy(agent, 12), planted, rules, starts).metrics
    assert metrics.trades > 20
    assert metrics.net_pips > 0.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trading.reward", "amddp1"),
        ("train.phase", "all"),
        ("collect.backend", "coreml-sim"),
    ],
)
def test_what_a_factored_model_cannot_do_is_refused(key, value):
    with pytest.raises(ConfigError, match="a factored model .*; set " + key):
        config_toml.override(PRESETS["fx_factored"], [f"{key}={value}"])


def test_what_exists_for_the_other_kind_only_is_refused(config):
    model = build_model(config, TradingRules.from_config(config).table)
    with pytest.raises(ConfigError, match=r"train\.phase: not for a factored model"):
        require_muzero(model, "train.phase")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("search.discount=1.0", "only below 1"),
        ("train.num_unroll_steps=0", "cannot be read ahead"),
        ("market.session_bars=3", "one more in their session than it is unrolled and holds"),
        ("train.hold_bars=358", "one more in their session than it is unrolled and holds"),
    ],
)
def test_settings_that_leave_nothing_to_learn_are_refused(override, said):
    with pytest.raises(ConfigError, match=said):
        config_toml.override(PRESETS["fx_factored"], [override])


@pytest.mark.parametrize("beyond", [1, 2, 7])
def test_sessions_too_short_to_learn_from_give_no_bars(config, dataset, beyond):
    """Not those next to the session, of which some belong to the validation."""
    bars = config.market.session_bars
    assert len(learnable_bars(dataset, bars)) == len(dataset.training_starts())
    with pytest.raises(DataError, match=f"no bar .* has {bars + beyond} bars"):
        learnable_bars(dataset, bars + beyond)


@pytest.mark.parametrize("kind", ["muzero", "factored"])
def test_a_run_does_not_start_from_one_of_another_kind(config, dataset, tmp_path, kind):
    trainer = make_trainer(tmp_path / "run", config, dataset)
    assert trainer.run()
    model = dataclasses.replace(config.model, kind=kind)
    wanted, table = dataclasses.replace(config, model=model), trainer.rules.table
    if kind == "factored":
        assert starting_weights(trainer.folder, wanted, table)[0]
        return
    with pytest.raises(ConfigError, match='"factored", and the new run one of "muzero"'):
        starting_weights(trainer.folder, wanted, table)


def test_a_run_from_another_counts_costs_at_its_own_prices(config, dataset):
    """The move that its networks count in stays, for they have learned in it."""
    rules = TradingRules.from_config(config)
    weights = dict_of(build_model(config, rules.table))
    weights |= {"usual.price": mx.array(1.1), "usual.move_pips": mx.array(0.7)}
    quotes = np.full(len(dataset.close), 0.03)
    quoted = dataclasses.replace(dataset, spreads=Spreads(quotes, quotes, quotes > 0.0))
    rules = dataclasses.replace(rules, costs=Costs(0.0, quoted=True))
    state = ResumableState(config, quoted, rules, Ranks(), Counters(), weights)
    usual = state.learner.model.usual
    assert float(usual.price) == pytest.approx(np.median(dataset.close), rel=0.01)
    assert float(usual.spread) == pytest.approx(0.03)
    assert float(usual.move_pips) == pytest.approx(0.7)


def test_clusters_are_the_same_whether_or_not_distances_fit_at_once(monkeypatch):
    random = np.random.default_rng(0)
    rows, centers = random.normal(size=(50, 3)), random.normal(size=(7, 3))
    wanted = np.square(rows[:, None] - centers).sum(axis=2).argmin(axis=1)
    for limit in (1, 30, 1 << 20):
        monkeypatch.setattr(chain_measuring, "_DISTANCES_AT_ONCE", limit)
        np.testing.assert_array_equal(chain_measuring._nearest(rows, centers), wanted)


@pytest.mark.parametrize("table", [FX_ACTIONS, TARGET_ACTIONS])
def test_the_move_of_an_exposure_of_1_gives_what_every_position_earns(config, dataset, table):
    rules = dataclasses.replace(TradingRules.from_config(config), table=table)
    bars = learnable_bars(dataset, STEPS)[:20, None] + np.arange(STEPS)
    earned = gains(dataset, rules, bars, final=False)
    moved = unit_moves(earned, rules)
    np.testing.assert_allclose(moved[..., None] * table.exposures, earned, atol=1e-9)
