"""Learning the market alone: whole runs, and what they refuse."""

import dataclasses
import json

import mlx.core as mx
import numpy as np
import pytest

from factored_models import factored_config, weights_of
from markets import walk_bars
from mlx_muzero import rng
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.training import chain_measuring
from mlx_muzero.training.bar_batches import BarSampler, measure_usual
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model, measure_observations, starting_weights
from mlx_muzero.training.progress import Counters
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.resumable_state import ResumableState
from runs import assert_same_run, at_poll, make_trainer


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


def test_a_model_of_market_and_account_is_unrolled():
    with pytest.raises(ConfigError, match="only a factored model can be learned without"):
        config_toml.override(PRESETS["fx_small"], ["train.num_unroll_steps=0"])


def test_a_run_learns_validates_and_says_so(config, dataset, tmp_path):
    trainer = make_trainer(tmp_path / "run", config, dataset)
    assert trainer.run()
    told = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").open()]
    names = [event["event"] for event in told]
    assert names.count("validated") == 3
    assert "collected" not in names
    assert [e["episodes"] for e in told if e["event"] == "advanced"][-1] == 12
    assert trainer.counters.steps == 12


@pytest.mark.slow
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


@pytest.mark.slow
def test_it_learns_a_planted_edge_in_seconds(config):
    bars, _ = planted_edge(3, 12, round_trip_cost_pips=4.0, session_bars=120)
    market = dataclasses.replace(config.market, session_bars=120)
    wide = dataclasses.replace(config.model, latent_width=32)
    config = dataclasses.replace(config, market=market, model=wide)
    planted = MarketDataset.from_bars(bars, market)
    rules = TradingRules.from_config(config)
    model, copy = (build_model(config, rules.table) for _ in range(2))
    measure_observations(model, planted)
    for each in (model, copy):
        measure_usual(each, planted, rules)
    sampler = BarSampler(planted, rules, copy, 2, 0.9)
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
    weights = weights_of(build_model(config, rules.table))
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
