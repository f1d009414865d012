"""Small markets, configurations and runs shared by the tests."""

import atexit
import dataclasses
import gc
import importlib
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from typer.testing import CliRunner

from examples import PART
from markets import walk_bars
from mlx_muzero import blas
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.rivals import fitted
from mlx_muzero.evaluation.rivals.fitted_q import FittedQRecipe
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.duckdb_files import vouch_for
from muzero_cli import main

# A busy machine is slow, not wrong; and the same commit has the same result everywhere. New cases:
# scripts/test --hypothesis-profile=explore
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.register_profile("thorough", deadline=None, derandomize=True)
hypothesis.settings.register_profile(
    "repeatable",
    hypothesis.settings.get_profile("thorough"),
    max_examples=hypothesis.settings.get_profile("thorough").max_examples // PART,
)
hypothesis.settings.load_profile("repeatable")


def pytest_configure():
    """Sets up what all tests share: NumPy's products take one thread, and garbage may wait.

    Beside other workers NumPy's threads would wait for each other, at full speed, longer than they
    compute.
    """
    blas.limit_numpy_threads()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Most of what the tests make in cycles, such as widgets, lives on to the end of its test.
    gc.set_threshold(100_000, 10, 10)


def pytest_collection_finish():
    """Spares the garbage collector what was collected here: modules and thousands of items stay.

    Each full collection would go through all of them, pytest's own at the end included. Only at
    exit is it taken back: nanobind would report what was never collected as leaked.
    """
    # Where tests of Core ML were collected, they have imported it: nobody else waits for it.
    if "mlx_muzero.coreml.packages" in sys.modules:
        importlib.import_module("kept_programs").keep_programs()
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real market data, named by MLX_MUZERO_TEST_DATA."""
    folder = os.environ.get("MLX_MUZERO_TEST_DATA")
    if not folder:
        pytest.skip("needs real market data: set MLX_MUZERO_TEST_DATA to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def new_homes(tmp_path_factory) -> Iterator[Path]:
    """Paths of folders that do not exist yet, in one folder of their own.

    `mktemp` for each would list all of its neighbours to find a free number, thousands each time.
    """
    parent = tmp_path_factory.mktemp("homes")
    return (parent / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_home(monkeypatch, new_homes):
    """Keeps files of the person at this machine out of the tests, and the tests out of theirs."""
    home = next(new_homes)
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


@pytest.fixture(autouse=True)
def quick_rivals(monkeypatch):
    """Fits the network among the rivals in a few steps; its own tests take back what they need."""
    recipe = FittedQRecipe(steps=(1, 8), checks=1, batch_sizes=(16, 64))
    monkeypatch.setattr(fitted, "FITTED_Q_RECIPE", recipe)


@pytest.fixture(scope="session")
def one_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("one_folder")


@pytest.fixture
def store(one_folder: Path) -> Iterator[BarStore]:
    """An empty bar store, of the same path in every test: its DuckDB instance serves the next."""
    shutil.rmtree(one_folder)
    one_folder.mkdir()
    with BarStore(one_folder / "market.duckdb") as opened:
        yield opened


@pytest.fixture(scope="session")
def small_config() -> Config:
    """A configuration whose networks, sessions and searches take milliseconds."""
    return Config(
        market=dataclasses.replace(FX_MICRO.market, symbol="TEST", session_bars=12, window_bars=8),
        trading=dataclasses.replace(FX_MICRO.trading, reward="mark_to_market"),
        model=dataclasses.replace(
            FX_MICRO.model,
            parameters=0,
            latent_width=16,
            tcn_channels=8,
            representation_blocks=1,
            outcome_blocks=0,
            dynamics_blocks=1,
            policy_blocks=0,
            value_blocks=0,
            afterstate_blocks=0,
            value_bins=31,
            value_min=-30.0,
            value_max=30.0,
        ),
        search=dataclasses.replace(
            FX_MICRO.search,
            num_simulations=4,
            num_simulations_collect=4,
            backend="native",
            threads=2,
        ),
        collect=dataclasses.replace(FX_MICRO.collect, envs=4),
        replay=dataclasses.replace(FX_MICRO.replay, min_episodes=4, max_episodes=10),
        train=dataclasses.replace(
            FX_MICRO.train,
            episodes=12,
            steps_per_episode=1.0,
            batch_size=8,
            num_unroll_steps=2,
            td_steps=3,
            average_decay=0.5,
            validate_interval=4,
            validate_sessions=3,
            checkpoint_interval=4,
        ),
    )


@pytest.fixture
def small_dataset(small_config: Config) -> MarketDataset:
    """Fifteen hundred bars of a random walk, cut as `small_config` says."""
    return MarketDataset.from_bars(walk_bars(1500), small_config.market)


@pytest.fixture
def hangups():
    """Makes hangups reach what a test starts, though the suite itself may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


class Cli:
    """Runs the command in this process."""

    def __init__(self, monkeypatch, capfd):
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *arguments):
        """Exit code, stdout and stderr of ``mlx-muzero`` with `arguments`."""
        self._monkeypatch.setattr(sys, "argv", ["mlx-muzero", *map(str, arguments)])
        code = 0
        try:
            main.run()
        except SystemExit as done:
            code = done.code or 0
        out, err = self._capfd.readouterr()
        return code, out, err


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(monkeypatch, capfd)


@pytest.fixture
def config_file(tmp_path, small_config):
    path = tmp_path / "small.toml"
    path.write_text(config_toml.dumps(small_config))
    return path


@pytest.fixture(scope="session")
def db_once(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "market.duckdb"
    with BarStore(path) as store:
        store.write(walk_bars(1500))
    return path


@pytest.fixture
def db(db_once, tmp_path):
    """A store with real bars of TEST."""
    copy = Path(shutil.copy(db_once, tmp_path))
    vouch_for(copy)
    return copy


@pytest.fixture(scope="session")
def trained_once(db_once, small_config):
    """A run of four episodes on `db_once`, trained when it is first asked for."""
    folder = db_once.with_name("run")
    config = config_toml.dumps(small_config)
    file = db_once.with_name("small.toml")
    file.write_text(config)
    options = ["--run", folder, "--config", file, "--db", db_once, "--set", "train.episodes=4"]
    done = CliRunner().invoke(main.app, list(map(str, ["train", *options])))
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def trained(trained_once, cli, config_file, db, tmp_path):
    """A run of four episodes on `db`."""
    run = Path(shutil.copytree(trained_once, tmp_path / "run"))
    market = run / "market.json"
    record = json.loads(market.read_text())
    market.write_text(json.dumps(record | {"store": str(db)}))
    return run
