"""Every verb takes bars with every optional column and series beside them, and a period of them."""

import dataclasses
import json

import numpy as np
import pytest

from crypto_markets import CONFIG, crypto_bars, every_series
from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.experiment.loading import load_dataset
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.exports.samples import draw_samples
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.profiling.subject import run_subject
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.run import MarketRecord, RunFolder
from mlx_muzero.training.trainer import Trainer
from runs import Heard, never

MINUTES = 2400
FIRST, END = 300, 2100
"""The period, in minutes since the first bar."""


def time_of(minute):
    return utc_text(MONDAY_NS + minute * MINUTE_NS).replace(" ", "T")


def optional_columns(bars, seed):
    """A value in every optional column of some bars; a taker never buys more than was traded."""
    draw = np.random.default_rng(seed)
    share = draw.random(len(bars))
    volume = np.nan_to_num(bars.volume, nan=1.0)
    columns = dict.fromkeys(EXTRA_COLUMNS, volume * share)
    columns |= {f"{name}_ask": getattr(bars, name) * 1.0001 for name in ("open", "close")}
    unknown = draw.random(len(bars)) < 0.1
    return {name: np.where(unknown, np.nan, values) for name, values in columns.items()}


@pytest.fixture(scope="module")
def configs(small_config):
    """A small configuration of either market, each with a period in the midst of its bars."""
    period = {"first_utc": time_of(FIRST), "end_utc": time_of(END)}
    train = dataclasses.replace(small_config.train, episodes=4)
    fx = dataclasses.replace(
        small_config, market=dataclasses.replace(small_config.market, **period), train=train
    )
    model = dataclasses.replace(fx.model, encoder="transformer", value_min=-20.0, value_max=20.0)
    market = dataclasses.replace(CONFIG, timeframes=("5m",), session_bars=12, **period)
    crypto = dataclasses.replace(fx, market=market, trading=CRYPTO.trading, model=model)
    return {"fx": fx, "crypto": crypto}


@pytest.fixture(scope="module", params=["fx", "crypto"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def full_db(tmp_path_factory):
    """A store whose bars have every optional column, with every series beside them."""
    path = tmp_path_factory.mktemp("store") / "market.duckdb"
    with BarStore(path) as store:
        for seed, symbol in enumerate(CONFIG.pairs):
            bars = crypto_bars(symbol, MINUTES, seed)
            store.write(bars, optional_columns(bars, seed))
            with store.transaction():
                for series in every_series(symbol, MINUTES, seed).values():
                    store.write_series(series)
        bars = walk_bars(MINUTES)
        store.write(bars, optional_columns(bars, 0))
    return path


@pytest.fixture(scope="module")
def period_run(kind, configs, full_db, tmp_path_factory):
    """A run of four episodes on a period of those bars."""
    config, path = configs[kind], tmp_path_factory.mktemp("runs") / kind
    dataset, store = load_dataset(config, full_db)
    folder = RunFolder(path)
    folder.begin(config, MarketRecord.of(store, dataset))
    trainer = Trainer(config, dataset, TradingRules.from_config(config), folder, Heard(), never)
    assert trainer.run()
    return path


@pytest.fixture
def period_config(kind, configs, tmp_path):
    path = tmp_path / "period.toml"
    path.write_text(config_toml.dumps(configs[kind]))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb",
    [
        ("train", "--run", "run"),
        ("walk-forward", "--run", "walk", "--windows", "2", "--sessions", "2"),
        ("audit-reward", "--sessions", "4"),
        ("check-leakage", "--cuts", "2"),
    ],
    ids=lambda verb: verb[0],
)
def test_what_takes_a_configuration(cli, period_config, full_db, verb):
    code, _, err = cli(*verb, "--config", period_config, "--db", full_db)
    assert code == 0, err


@pytest.mark.parametrize(
    "verb",
    [
        ("evaluate", "--sessions", "2", "--json"),
        ("check-leakage", "--cuts", "2", "--json"),
    ],
    ids=lambda verb: verb[0],
)
def test_what_takes_a_run(cli, period_run, verb):
    code, out, err = cli(verb[0], period_run, *verb[1:])
    assert code == 0, err
    assert json.loads(out)


def test_the_tree_of_a_decision(cli, period_run):
    dataset = load_run(period_run, "best", None).dataset
    at = utc_text(int(dataset.open_time_ns[len(dataset.open_time_ns) // 4])).replace(" ", "T")
    pair = dataset.symbols[0]
    code, out, err = cli("tree", period_run, "--at", at, "--pair", pair, "--json")
    assert code == 0, err
    assert json.loads(out)


def test_what_an_export_and_a_profile_are_made_of(period_run):
    loaded = load_run(period_run, "best", None)
    drawn = draw_samples(loaded.dataset, loaded.rules, 8)
    assert np.isfinite(drawn.observation).all()
    assert run_subject(period_run).model.features == loaded.model.features


@pytest.mark.slow
def test_a_replay_of_the_minutes_after_the_period(cli, period_run, full_db):
    begin = ("paper", "start", "--model", period_run, "--db", full_db, "--run", "p")
    code, _, err = cli(*begin, "--from", time_of(END + 60), "--to", time_of(END + 70))
    assert code == 0, err
    code, _, err = cli("paper", "parity", "p")
    assert code == 0, err
