"""Datasets kept in files: the same bits as made ones, never out of date, never trusted blindly."""

import dataclasses
import shutil

import numpy as np
import pytest

from crypto_markets import CONFIG, crypto_bars, every_series
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.experiment import loading
from mlx_muzero.experiment.loading import load_dataset, load_histories
from mlx_muzero.market import kept_dataset
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import Period
from mlx_muzero.market.store.bar_store import BarStore

MINUTES = 2600
SETTINGS = dataclasses.replace(PRESETS["crypto"], market=CONFIG)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "market.duckdb"
    with BarStore(path) as store:
        for seed, symbol in enumerate(CONFIG.pairs):
            bars = crypto_bars(symbol, MINUTES, seed)
            ask = {"open_ask": bars.open * 1.0001, "close_ask": bars.close * 1.0002}
            store.write(bars, ask | {"high_ask": bars.high * 1.1, "low_ask": bars.low * 1.1})
            with store.transaction():
                for series in every_series(symbol, MINUTES, seed).values():
                    store.write_series(series)
    return path


@pytest.fixture
def database(filled, tmp_path, monkeypatch):
    """A store of its own, of which every dataset is large enough to be kept."""
    monkeypatch.setattr(kept_dataset, "KEPT_FROM_BARS", 1)
    return shutil.copy(filled, tmp_path / "market.duckdb")


@pytest.fixture
def told():
    return []


def columns(value, name=""):
    """Every array within a dataset, by name."""
    if isinstance(value, np.ndarray):
        return {name: value}
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif isinstance(value, tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {}
    return {k: v for part, of in value.items() for k, v in columns(of, f"{name}.{part}").items()}


def shelf(database):
    return database.with_name("market.duckdb.columns")


def kept(database):
    """The one folder kept."""
    (folder,) = shelf(database).iterdir()
    return folder


def made(database, settings=SETTINGS):
    return MarketDataset.of_pairs(load_histories(settings, database)[0], settings.market)


def require_same(dataset, other):
    ours, others = columns(dataset), columns(other)
    assert list(ours) == list(others)
    for name, column in ours.items():
        assert column.dtype == others[name].dtype, name
        np.testing.assert_array_equal(column, others[name], err_msg=name)
    assert dataset.summary == other.summary
    assert dataset.series_from_ns == other.series_from_ns
    assert dataset.series_to_ns == other.series_to_ns
    assert dataset.fx_week == other.fx_week


def unreadable(*_arguments, **_options):
    raise AssertionError("the bars were loaded again")


@pytest.mark.parametrize("cost", ["fixed", "quotes"])
def test_a_kept_dataset_has_the_bits_of_one_that_is_made(database, told, monkeypatch, cost):
    trading = dataclasses.replace(SETTINGS.trading, cost=cost)
    settings = dataclasses.replace(SETTINGS, trading=trading)
    wanted = made(database, settings)
    first, _ = load_dataset(settings, database, tell=told.append)
    assert any("are kept in" in line for line in told)
    require_same(first, wanted)
    monkeypatch.setattr(loading, "load_history", unreadable)
    told_again = []
    second, _ = load_dataset(settings, database, tell=told_again.append)
    require_same(second, wanted)
    assert told_again == [line for line in told if "are kept in" not in line]
    bars = second.training_starts()[:5]
    assert second.windows(bars).tobytes() == wanted.windows(bars).tobytes()
    assert not second.features.flags.writeable


def test_pairs_in_any_order_and_settings_of_splits_share_a_dataset(database, monkeypatch):
    load_dataset(SETTINGS, database)
    monkeypatch.setattr(loading, "load_history", unreadable)
    market = dataclasses.replace(CONFIG, train_frac=0.5, session_bars=CONFIG.session_bars + 1)
    settings = dataclasses.replace(SETTINGS, market=market)
    dataset, _ = load_dataset(settings, database, pairs=tuple(reversed(CONFIG.pairs)))
    assert dataset.config == market
    assert (np.diff(dataset.pair) >= 0).all()


def test_whatever_a_dataset_follows_from_makes_another(database, monkeypatch):
    def change_a_bar():
        with BarStore(database) as store, store.transaction():
            store._db.execute("update bars set high = high + 1 where open_time = "
                              "(select max(open_time) from bars)")  # fmt: skip

    def change_a_series():
        with BarStore(database) as store, store.transaction():
            store._db.execute("update series set value = value / 2 where name = 'cpi'")

    def change_the_code():
        monkeypatch.setattr(kept_dataset, "_code", lambda: "another")

    monkeypatch.setattr(kept_dataset, "MOST_KEPT", 9)
    load_dataset(SETTINGS, database)
    for number, change in enumerate((change_a_bar, change_a_series, change_the_code), 2):
        change()
        dataset, _ = load_dataset(SETTINGS, database)
        require_same(dataset, made(database))
        assert len(list(shelf(database).iterdir())) == number
    end_ns = int(dataset.open_time_ns.max()) - 60_000_000_000
    part, _ = load_dataset(SETTINGS, database, period=lambda _: Period(0, end_ns))
    assert part.open_time_ns.max() < end_ns
    assert len(list(shelf(database).iterdir())) == number + 1


def cut_short(folder):
    with (folder / "context.bin").open("r+b") as file:
        file.truncate(100)


def flip(folder):
    data = bytearray((folder / "close.bin").read_bytes())
    data[1000] ^= 1
    (folder / "close.bin").write_bytes(data)


def edit_header(folder):
    header = folder / "header.json"
    header.write_text(header.read_text().replace('"fx_week": false', '"fx_week": true'))


def link_away(folder):
    moved = folder.parent.parent / "elsewhere.bin"
    (folder / "close.bin").rename(moved)
    (folder / "close.bin").symlink_to(moved)


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        flip,
        edit_header,
        link_away,
        lambda folder: (folder / "header.json").unlink(),
        lambda folder: (folder / "header.json").write_text("[" * 100_000),
        lambda folder: (folder / "header.json").write_text('{"format": 1, "digest": []}'),
        lambda folder: (folder / "pair.bin").unlink(),
    ],
)
def test_a_damaged_dataset_is_made_anew_and_told(database, told, damage):
    load_dataset(SETTINGS, database)
    damage(kept(database))
    dataset, _ = load_dataset(SETTINGS, database, tell=told.append)
    assert any("cannot be used" in line and "made anew" in line for line in told)
    require_same(dataset, made(database))
    told.clear()
    load_dataset(SETTINGS, database, tell=told.append)
    assert not any("kept" in line or "anew" in line for line in told)
    assert kept(database)


@pytest.mark.parametrize("way", ["file", "link", "full"])
def test_where_nothing_can_be_kept_a_word_is_said(database, told, monkeypatch, tmp_path, way):
    if way == "file":
        shelf(database).write_text("")
    elif way == "link":
        shelf(database).symlink_to(tmp_path)
    else:

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("mlx_muzero.market.column_files.os.fsync", full)
    dataset, _ = load_dataset(SETTINGS, database, tell=told.append)
    require_same(dataset, made(database))
    assert any("cannot be kept" in line and "make it writable" in line for line in told)
    if way == "full":
        assert not list(shelf(database).iterdir())


def test_two_processes_that_make_the_same_keep_it_once(database, monkeypatch):
    first, _ = load_dataset(SETTINGS, database)
    monkeypatch.setattr(kept_dataset.KeptDatasets, "_find", lambda *_: None)
    second, _ = load_dataset(SETTINGS, database)
    assert kept(database)
    require_same(first, second)


def test_the_least_recently_used_goes_with_a_word(database, told, monkeypatch):
    monkeypatch.setattr(kept_dataset, "MOST_KEPT", 1)
    load_dataset(SETTINGS, database)
    old = kept(database)
    wide = dataclasses.replace(CONFIG, window_bars=CONFIG.window_bars + 1)
    settings = dataclasses.replace(SETTINGS, market=wide)
    load_dataset(settings, database, tell=told.append)
    assert any(str(old) in line and "removed" in line for line in told)
    assert kept(database) != old


def test_a_small_market_leaves_nothing_behind(filled):
    load_dataset(SETTINGS, filled)
    assert not shelf(filled).exists()
