"""Small markets, configurations and runs shared by the tests."""

import atexit
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

from bench.small_config import SMALL_CONFIG
from examples import PART
from markets import walk_bars
from mlx_muzero import blas
from mlx_muzero.config import toml as config_toml
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
    """See `bench.small_config`."""
    return SMALL_CONFIG


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
