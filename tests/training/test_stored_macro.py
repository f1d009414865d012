"""A run of the crypto preset observes the macro figures that its store has when it starts."""

import dataclasses

import numpy as np
import pytest

from crypto_markets import CONFIG, crypto_bars, points
from markets import MONDAY_NS
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import STORED
from mlx_muzero.errors import RunError
from mlx_muzero.experiment.leakage import LeakageTest
from mlx_muzero.experiment.loading import with_stored_macro
from mlx_muzero.experiment.reward_audit import RewardAuditing
from mlx_muzero.experiment.standing import standing
from mlx_muzero.experiment.training import Training
from mlx_muzero.experiment.walk_forward import RollingTraining
from mlx_muzero.market.observation.context import context_columns
from mlx_muzero.market.series import MACRO
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.walk_forward_folder import WalkForwardFolder

MARKET = dataclasses.replace(
    CONFIG, symbols=("AAA",), timeframes=(), context=(), macro=(STORED,), session_bars=20
)


def import_figure(path, name):
    with BarStore(path) as store:
        at = MONDAY_NS + np.arange(-5, 1) * DAY_NS
        store.write_series(points(MACRO, name, at))


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "market.duckdb"
    with BarStore(found) as store:
        store.write(crypto_bars("AAA", 1500))
    return found


@pytest.fixture
def config(small_config):
    return dataclasses.replace(
        small_config,
        market=MARKET,
        trading=PRESETS["crypto"].trading,
        model=dataclasses.replace(small_config.model, value_min=-20.0, value_max=20.0),
    )


def columns(config):
    return [column.name for column in context_columns(config.market)]


def test_only_the_preset_of_crypto_asks_for_them():
    asking = {name for name, preset in PRESETS.items() if STORED in preset.market.macro}
    assert asking == {"crypto"}


def test_a_run_starts_with_all_that_are_stored_and_keeps_them(path, config, tmp_path):
    for name in ("gdp", "cpi"):
        import_figure(path, name)
    told = []
    folder = RunFolder(tmp_path / "run")
    training = Training.new(folder, config, path, told.append)
    assert training.config.market.macro == ("cpi", "gdp")
    assert columns(training.config) == ["macro_cpi", "macro_gdp"]
    assert training.dataset.config == training.config.market
    assert not [line for line in told if "macro" in line]

    folder.begin(training.config, training.market)
    import_figure(path, "payrolls")
    assert standing(folder, config) == "begun"
    again = Training.begun(folder, path, told.append)
    assert again.config.market.macro == ("cpi", "gdp")
    named = dataclasses.replace(config, market=dataclasses.replace(MARKET, macro=("cpi",)))
    with pytest.raises(RunError, match=r"market\.macro is \('cpi', 'gdp'\) there"):
        standing(folder, named)


def test_a_store_without_any_is_told(path, config, tmp_path):
    told = []
    training = Training.new(RunFolder(tmp_path / "run"), config, path, told.append)
    assert training.config.market.macro == ()
    (note,) = [line for line in told if "macro" in line]
    assert note.startswith(f"note: {path} has no macro figures, so the model will know none")
    none = dataclasses.replace(config, market=dataclasses.replace(MARKET, macro=()))
    assert with_stored_macro(none, path, told.append) is none
    assert len([line for line in told if "macro" in line]) == 1


def test_every_verb_that_starts_from_a_configuration_sees_them(path, config, tmp_path):
    import_figure(path, "cpi")
    rolling = RollingTraining.new(WalkForwardFolder(tmp_path / "wf"), config, 2, None, path)
    assert {of_window.market.macro for of_window in rolling.configs} == {("cpi",)}
    audit = RewardAuditing.of_config(config, path)
    assert audit.dataset.config.macro == ("cpi",)
    assert LeakageTest.of_config(config, path).config.market.macro == ("cpi",)


def test_what_is_named_besides_comes_first_and_once(path, config):
    import_figure(path, "cpi")
    import_figure(path, "gdp")
    some = dataclasses.replace(config, market=dataclasses.replace(MARKET, macro=("gdp", STORED)))
    assert columns(some) == ["macro_gdp"]
    assert with_stored_macro(some, path).market.macro == ("gdp", "cpi")
