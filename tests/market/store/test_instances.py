"""DuckDB instances serve again: the same file, as confined as before, with nothing of the last."""

import os
import threading

import duckdb
import pytest

from mlx_muzero.errors import DataError, MuZeroError
from mlx_muzero.market.store import instances
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.paper.records.store import PaperStore


@pytest.fixture
def made(monkeypatch):
    """The instances that are made; none waits at first."""
    instances.close_all()
    connect, made = duckdb.connect, []

    def counted(*arguments, **options):
        made.append(connect(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(duckdb, "connect", counted)
    return made


def parquet(path, close):
    duckdb.execute(f"copy (select {close} as close) to '{path}' (format parquet)")
    return path


@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_a_store_that_is_opened_again_and_again_takes_one_instance(tmp_path, made, make):
    folder = tmp_path / "of a store"
    folder.mkdir()
    for _ in range(3):
        make(folder / "store.duckdb").close()
    assert len(made) == 1
    assert [file.name for file in folder.iterdir()] == ["store.duckdb"]


def test_only_so_many_instances_wait(tmp_path, made):
    for number in range(6):
        BarStore(tmp_path / f"{number}.duckdb").close()
    for number in range(5, -1, -1):
        BarStore(tmp_path / f"{number}.duckdb").close()
    assert len(made) == 6 + 2


def test_a_link_that_leads_elsewhere_now_is_another_file(tmp_path, made):
    for name in ("a", "b"):
        with BarStore(tmp_path / f"{name}.duckdb") as store, store.transaction():
            store.set_truth("TEST", {"name": name})
    link = tmp_path / "link.duckdb"
    for name in ("a", "b", "a"):
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / f"{name}.duckdb")
        with BarStore(link, read_only=True) as store:
            assert store.truth("TEST") == {"name": name}


@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_links_in_a_circle_are_refused_in_words(tmp_path, make):
    (tmp_path / "a.duckdb").symlink_to("b.duckdb")
    (tmp_path / "b.duckdb").symlink_to("a.duckdb")
    with pytest.raises(MuZeroError, match=r"a\.duckdb: "):
        make(tmp_path / "a.duckdb")


@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_a_store_reads_nothing_of_the_user_when_it_is_opened_again(tmp_path, made, make):
    path, secret = tmp_path / "store.duckdb", tmp_path / "secret.txt"
    secret.write_text("the secret")
    make(path).close()
    for read_only in (True, False):
        with make(path, read_only) as store:
            for query in (
                f"from read_text('{secret}')",
                f"attach '{tmp_path / 'new.duckdb'}' as new",
                "set enable_external_access = true",
            ):
                with pytest.raises(duckdb.Error):
                    store._db.execute(query)
    assert len(made) == 1


def test_one_that_put_something_on_the_disk_serves_no_more(tmp_path, made):
    with BarStore(tmp_path / "store.duckdb"):
        (tmp_path / "store.duckdb.tmp").mkdir()
    BarStore(tmp_path / "store.duckdb").close()
    assert len(made) == 2


def test_a_broken_one_serves_no_more(tmp_path, made):
    path = tmp_path / "store.duckdb"
    with BarStore(path) as store:
        store._file._instance.db.close()
    BarStore(path).close()
    assert len(made) == 2


def test_within_a_process_a_store_has_many_readers_or_one_writer(tmp_path):
    path = tmp_path / "store.duckdb"
    with BarStore(path):
        for read_only in (True, False):
            with pytest.raises(DataError, match=r"store\.duckdb: it is open already: close it"):
                BarStore(path, read_only)
    with BarStore(path, read_only=True) as one, BarStore(path, read_only=True) as other:
        assert one.symbols() == other.symbols() == []
        with pytest.raises(MuZeroError, match="open already"):
            BarStore(path)
    BarStore(path).close()


def test_each_file_is_read_for_itself(tmp_path, made):
    """Though they have the same size and time, by which DuckDB knows what it read already."""
    files = [parquet(tmp_path / f"{close}.parquet", close) for close in (1, 2, 3)]
    for file in files:
        os.utime(file, ns=(0, 0))
    assert len({file.stat().st_size for file in files}) == 1
    before = len(made)
    for close, file in enumerate(files, start=1):
        with ForeignFile.parquet(file) as opened:
            assert set(opened.fetch("select close from rows")["close"].tolist()) == {close}
            with pytest.raises(DataError, match="disabled"):
                opened.fetch(f"from read_parquet('{files[0]}')")
    assert len(made) == before + 1


def test_files_are_read_beside_each_other(tmp_path):
    files = [parquet(tmp_path / f"{close}.parquet", close) for close in (1, 2)]
    found = {}

    def read(close):
        for _ in range(5):
            with ForeignFile.parquet(files[close - 1]) as opened:
                found.setdefault(close, set()).update(
                    opened.fetch("select close from rows")["close"].tolist()
                )

    threads = [threading.Thread(target=read, args=(close,)) for close in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: {1}, 2: {2}}
