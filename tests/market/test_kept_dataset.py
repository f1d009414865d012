"""Datasets kept in files: the same bits as made ones, never out of date, never trusted blindly."""

import dataclasses
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from crypto_markets import CONFIG, crypto_bars, every_series
from examples import cases
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.experiment import loading
from mlx_muzero.experiment.loading import load_dataset, load_histories
from mlx_muzero.market import kept_dataset
from mlx_muzero.market.column_shelf import ColumnShelf
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import Period
from mlx_muzero.market.series import Series
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.training.run import MarketRecord
from same_datasets import require_same

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


def shelf(database):
    return database.with_name("market.duckdb.columns")


def kept(database):
    """The one folder kept."""
    (folder,) = shelf(database).iterdir()
    return folder


def made(database, settings=SETTINGS, period=None):
    histories, _ = load_histories(settings, database, period=period)
    return MarketDataset.of_pairs(histories, settings.market)


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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    cases(
        2,
        [
            flip,
            link_away,
            cut_short,
            edit_header,
            lambda folder: (folder / "header.json").unlink(),
            lambda folder: (folder / "header.json").write_text("[" * 100_000),
            lambda folder: (folder / "header.json").write_text('{"format": 1, "digest": []}'),
            lambda folder: (folder / "pair.bin").unlink(),
        ],
    ),
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


@pytest.mark.parametrize("way", ["file", "link", "small", "full"])
def test_where_nothing_can_be_kept_a_word_is_said(database, told, monkeypatch, tmp_path, way):
    if way == "file":
        shelf(database).write_text("")
    elif way == "link":
        shelf(database).symlink_to(tmp_path)
    elif way == "small":
        room = SimpleNamespace(free=1000)
        monkeypatch.setattr("mlx_muzero.market.column_files.shutil.disk_usage", lambda _: room)
    else:

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("mlx_muzero.market.column_files.os.fsync", full)
    dataset, _ = load_dataset(SETTINGS, database, tell=told.append)
    require_same(dataset, made(database))
    assert any("cannot be kept" in line and "make it writable" in line for line in told)
    if way in ("small", "full"):
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


def test_what_is_kept_is_listed_and_goes_with_the_bars(database, cli):
    load_dataset(SETTINGS, database)
    size = sum(path.stat().st_size for path in kept(database).iterdir())
    assert json.loads(cli("data", "list", "--db", database, "--json")[1])["kept"] == {
        str(kept(database)): size
    }
    _, out, _ = cli("data", "list", "--db", database)
    assert "features kept for training: 0.0 GB in" in " ".join(out.split())
    code, out, err = cli("data", "remove", "BBB", "--to", "2019-01-07T05:00", "--yes", "--db",
                         database, "--json")  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["features_bytes"] == size
    assert not list(shelf(database).iterdir())


def test_a_small_market_leaves_nothing_behind(filled):
    load_dataset(SETTINGS, filled)
    assert not shelf(filled).exists()


def grow(database, minutes):
    """Add the next minutes of every pair, and the points that become known with them."""
    with BarStore(database) as store:
        for seed, symbol in enumerate(CONFIG.pairs):
            bars = crypto_bars(symbol, MINUTES + minutes, seed)
            held = int(store.load(symbol).open_time_ns[-1])
            price = store.load(symbol).close[-1]
            later = bars.between(held + 1, 2**63 - 1)
            scale = price / later.open[0]
            prices = {k: getattr(later, k) * scale for k in ("open", "high", "low", "close")}
            ask = {f"{name}_ask": values * 1.0002 for name, values in prices.items()}
            store.write(dataclasses.replace(later, **prices), ask)
            with store.transaction():
                for series in every_series(symbol, MINUTES + minutes, seed).values():
                    new = int(np.searchsorted(series.known_ns, held + MINUTE_NS, side="right"))
                    store.write_series(series.slice(new, len(series)))


def taken(told):
    """Number of bars said to be taken from a dataset kept before."""
    (line,) = [line for line in told if "are kept in" in line]
    return int(line.split("GB, ")[1].split()[0].replace(",", "")) if "taken from" in line else 0


@pytest.mark.parametrize("cost", cases(1, ["fixed", "quotes"]))
def test_bars_that_come_are_added_to_what_is_kept(database, told, cost):
    trading = dataclasses.replace(SETTINGS.trading, cost=cost)
    settings = dataclasses.replace(SETTINGS, trading=trading)
    before, _ = load_dataset(settings, database)
    for minutes in (700, 1500):
        grow(database, minutes)
        told.clear()
        dataset, _ = load_dataset(settings, database, tell=told.append)
        require_same(dataset, made(database, settings))
        assert taken(told) == len(before.close) < len(dataset.close)
        before = dataset


@pytest.mark.slow
def test_a_run_that_began_before_the_store_grew_takes_its_bars_from_those_of_now(database, told):
    before = made(database)
    run = MarketRecord.of(database, before)
    load_dataset(SETTINGS, database, period=run.period)
    grow(database, 700)
    shutil.rmtree(shelf(database))
    load_dataset(SETTINGS, database)
    old, _ = load_dataset(SETTINGS, database, period=run.period, tell=told.append)
    require_same(old, made(database, period=run.period))
    assert taken(told) == len(old.close) == len(before.close)
    assert MarketRecord.of(database, old).digest == run.digest


def test_a_run_finds_what_was_kept_when_it_began(database, monkeypatch):
    dataset, _ = load_dataset(SETTINGS, database)
    monkeypatch.setattr(loading, "load_history", unreadable)
    run = MarketRecord.of(database, dataset)
    again, _ = load_dataset(SETTINGS, database, period=run.period)
    require_same(again, dataset)


def test_points_that_come_after_the_last_bar_change_facts_alone(database, told):
    first, _ = load_dataset(SETTINGS, database)
    with BarStore(database) as store, store.transaction():
        late_ns = np.array([int(first.open_time_ns.max()) + 5 * MINUTE_NS])
        store.write_series(Series("AAA", "funding_rate", late_ns, late_ns, np.array([1e-4])))
    second, _ = load_dataset(SETTINGS, database, tell=told.append)
    assert not any("are kept in" in line for line in told)
    require_same(second, made(database))
    assert second.series_to_ns["AAA"]["funding_rate"] == late_ns[0]


@pytest.mark.parametrize("what", cases(1, ["bar", "point"]))
def test_where_the_past_changed_all_is_made_anew(database, told, what):
    load_dataset(SETTINGS, database)
    grow(database, 700)
    changed = {
        "bar": "update bars set volume = volume + 1 where open_time = "
        "(select min(open_time) from bars)",
        "point": "delete from series where name = 'open_interest' and known_time = "
        "(select min(known_time) from series where name = 'open_interest')",
    }
    with BarStore(database) as store, store.transaction():
        store._db.execute(changed[what])
    dataset, _ = load_dataset(SETTINGS, database, tell=told.append)
    assert taken(told) == 0
    require_same(dataset, made(database))


@pytest.mark.slow
def test_nothing_is_taken_from_a_dataset_with_a_damaged_block(database, told, monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.column_files.BLOCK_BYTES", 512)
    load_dataset(SETTINGS, database)
    flip(kept(database))
    grow(database, 700)
    dataset, _ = load_dataset(SETTINGS, database, tell=told.append)
    assert any("is not used (close.bin is damaged)" in line for line in told)
    assert taken(told) == 0
    require_same(dataset, made(database))


def test_a_process_waits_for_another_that_makes_the_same(database, told, monkeypatch):
    wanted, _ = load_dataset(SETTINGS, database)
    folder, aside = kept(database), database.with_name("aside")
    folder.rename(aside)
    monkeypatch.setattr(loading, "load_history", unreadable)
    waits = threading.Event()

    def tell(line):
        told.append(line)
        waits.set()

    with ThreadPoolExecutor() as pool, ColumnShelf(database).held(unreadable):
        found = pool.submit(load_dataset, SETTINGS, database, tell=tell)
        assert waits.wait(20)
        aside.rename(folder)
    require_same(found.result()[0], wanted)
    assert "another process makes features" in told[0]


def test_what_a_killed_process_left_is_removed(database):
    left = shelf(database) / ".making-killed"
    left.mkdir(parents=True)
    (left / "close.bin").write_bytes(b"half")
    load_dataset(SETTINGS, database)
    assert kept(database)


@pytest.mark.slow
def test_of_large_datasets_fewer_are_kept(database, told, monkeypatch):
    monkeypatch.setattr(kept_dataset, "MOST_BYTES", 1)
    load_dataset(SETTINGS, database)
    grow(database, 700)
    load_dataset(SETTINGS, database, tell=told.append)
    assert kept(database)
    assert any("least recently used, was removed" in line for line in told)
