"""A run's folder: begun once, and tied to its configuration and market."""

import dataclasses
import os

import numpy as np
import pytest

from mlx_muzero.errors import ConfigError, RunError
from mlx_muzero.training.run import MarketRecord, RunFolder


@pytest.fixture
def market(tmp_path, small_dataset):
    return MarketRecord.of(tmp_path / "market.duckdb", small_dataset)


def test_a_begun_run_gives_back_its_configuration_and_market(tmp_path, small_config, market):
    folder = RunFolder(tmp_path / "deep" / "run")
    assert not folder.exists
    folder.begin(small_config, market)
    again = RunFolder(tmp_path / "deep" / "run")
    assert again.exists
    assert again.config() == small_config
    assert again.market() == market


def test_a_run_is_begun_once(tmp_path, small_config, market):
    folder = RunFolder(tmp_path / "run")
    folder.begin(small_config, market)
    with pytest.raises(RunError, match=r"already holds a run.*--resume"):
        folder.begin(small_config, market)


def test_one_process_at_a_time_trains_in_a_folder(tmp_path):
    folder = RunFolder(tmp_path)
    with (
        folder.held(),
        pytest.raises(RunError, match=rf"trained by process {os.getpid()}\."),
        RunFolder(tmp_path).held(),
    ):
        pass
    with folder.held():
        pass


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        RunFolder(tmp_path).config()
    with pytest.raises(RunError, match=r"market\.json"):
        RunFolder(tmp_path).market()


def test_a_configuration_edited_wrongly_is_named_by_line(tmp_path, small_config, market):
    folder = RunFolder(tmp_path)
    folder.begin(small_config, market)
    path = tmp_path / "config.toml"
    path.write_text(path.read_text().replace("batch_size = 8", "batch_siz = 8"))
    with pytest.raises(ConfigError, match=r"config\.toml:\d+: train\.batch_siz.*batch_size"):
        folder.config()


def test_the_same_bars_in_another_store_are_the_same_market(
    tmp_path, small_config, small_dataset, market
):
    folder = RunFolder(tmp_path)
    folder.begin(small_config, market)
    folder.require_market(MarketRecord.of(tmp_path / "moved.duckdb", small_dataset))


def test_one_changed_price_is_another_market(tmp_path, small_config, small_dataset, market):
    folder = RunFolder(tmp_path)
    folder.begin(small_config, market)
    close = small_dataset.close.copy()
    close[700] = np.nextafter(close[700], 0.0)
    other = dataclasses.replace(small_dataset, close=close)
    with pytest.raises(RunError, match=r"trained on 1,500 bars of TEST.*different"):
        folder.require_market(MarketRecord.of(tmp_path / "market.duckdb", other))


@pytest.mark.parametrize("fill", ["close", "next_open"])
def test_changed_opens_are_another_market_where_orders_fill_at_them(
    fill, tmp_path, small_config, small_dataset, market
):
    trading = dataclasses.replace(small_config.trading, fill=fill)
    folder = RunFolder(tmp_path)
    folder.begin(dataclasses.replace(small_config, trading=trading), market)
    opens = small_dataset.open.copy()
    opens[700] = np.nextafter(opens[700], 0.0)
    other = MarketRecord.of(
        tmp_path / "market.duckdb", dataclasses.replace(small_dataset, open=opens)
    )
    if fill == "close":
        folder.require_market(other)
        return
    with pytest.raises(RunError, match=r"1,500 bars of TEST.*different"):
        folder.require_market(other)


def test_a_run_that_records_no_embargo_keeps_the_splits_it_has(tmp_path, small_config, market):
    run = RunFolder(tmp_path / "run")
    run.begin(small_config, market)
    mark = tmp_path / "run" / "config.toml"
    without = [line for line in mark.read_text().splitlines() if "embargo_bars" not in line]
    mark.write_text("\n".join(without))
    assert run.config().market.embargo_bars == 0
    assert run.config().market == dataclasses.replace(small_config.market, embargo_bars=0)
