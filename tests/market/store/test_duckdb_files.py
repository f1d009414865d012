"""DuckDB sees one file, whatever its name or content would have it look at."""

import shutil
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import cases, examples
from markets import walk_bars
from mlx_muzero.errors import DataError, MuZeroError, RunError
from mlx_muzero.market.importers import detect_format, import_file
from mlx_muzero.market.store import duckdb_files
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.paper.records.store import PaperStore

# Each beside what it would find were it a pattern.
PATTERNS = (
    ("USDJPY-[1].parquet", "USDJPY-1.parquet"),
    ("USDJPY*.parquet", "USDJPY_other.parquet"),
    ("USDJPY?.parquet", "USDJPYX.parquet"),
    ("**", "a"),
    ("[!x]", "b"),
    ("d[1]/USDJPY.parquet", "d1/USDJPY.parquet"),
    ("symbol=EURUSD/USDJPY.parquet", "USDJPY.parquet"),
    ("\\*.parquet", "\\x.parquet"),
    ("it's.parquet", "its.parquet"),
    ("s3:x.parquet", "x.parquet"),
)


def parquet(path: Path, close: float, n: int = 5) -> Path:
    """Minutes at `close`; DuckDB writes to a plain name first."""
    path.parent.mkdir(exist_ok=True, parents=True)
    plain = path.parent / "written"
    duckdb.execute(
        f"""copy (select make_timestamp(1614556800000000 + i * 60000000) as timestamp,
                  {close} as open, {close} as high, {close} as low, {close} as close
                  from range({n}) t(i)) to '{str(plain).replace("'", "''")}' (format parquet)"""
    )
    return plain.rename(path)


@pytest.mark.parametrize(("name", "neighbor"), PATTERNS)
def test_no_name_is_a_pattern(tmp_path, name, neighbor):
    parquet(tmp_path / neighbor, 2.0)
    path = parquet(tmp_path / name, 1.0)
    assert detect_format(path) == "parquet"
    with BarStore(tmp_path / "market.duckdb") as store:
        import_file(store, path, "USDJPY")
        assert set(store.load("USDJPY").close.tolist()) == {1.0}


@examples(25)
@given(
    st.text(st.sampled_from("[]*?{}!^-\\'\"%$~ ab1é\n=:,#"), min_size=1, max_size=12).filter(
        lambda name: name not in ("a", "b")
    )
)
def test_a_file_is_read_whatever_it_is_called(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    for neighbor in ("a", "b"):
        parquet(folder / neighbor, 2.0)
    with ForeignFile.parquet(parquet(folder / name, 1.0)) as file:
        assert set(file.fetch("select close from rows")["close"].tolist()) == {1.0}


def test_nothing_else_can_be_read(tmp_path):
    path, other = parquet(tmp_path / "a.parquet", 1.0), parquet(tmp_path / "b.parquet", 2.0)
    with ForeignFile.parquet(path) as file:
        for query in (
            f"select * from read_parquet('{other}')",
            f"select * from read_text('{__file__}')",
            f"attach '{tmp_path / 'new.db'}' as new",
            "set enable_external_access = true",
        ):
            with pytest.raises(DataError, match=r"a\.parquet: "):
                file.fetch(query)
    assert not (tmp_path / "new.db").exists()


def test_a_view_or_macro_of_a_database_is_not_run(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("timestamp,close\n2021-03-01,1\n")
    path = tmp_path / "hostile.db"
    with duckdb.connect(str(path)) as db:
        db.execute(f"create view micro_features as select * from read_csv('{secret}')")
        db.execute("create macro epoch_ns(x) as 42")
        db.execute("create table plain as select timestamp '2021-03-01' as t")
    with pytest.raises(
        DataError, match="without a table micro_features; it takes one, and no view"
    ):
        ForeignFile.database(path, "micro_features")
    with ForeignFile.database(path, "plain") as file:
        assert file.fetch("select epoch_ns(t) as t from rows")["t"].tolist() == [
            1_614_556_800_000_000_000
        ]
        with pytest.raises(DataError, match="disabled"):
            file.fetch("select * from stranger.micro_features")


@pytest.mark.parametrize("name", ["imports", "instruments", "series", "truths"])
def test_a_view_is_no_table_of_a_store(tmp_path, name):
    path = tmp_path / "market[1].duckdb"
    BarStore(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute(f"drop table {name}")
        db.execute(f"create view {name} as select * from read_text('{__file__}')")
    with pytest.raises(DataError, match=f"it has no table {name}"):
        BarStore(path, read_only=True)


@pytest.mark.parametrize("read_only", cases(1, [True, False]))
@pytest.mark.parametrize("make", [BarStore, PaperStore])
@pytest.mark.parametrize(
    "macro",
    [
        "epoch_ns(x) as 7",
        "current_database() as 'other'",
        "duckdb_tables() as table select 'meta' as table_name",
        '"+"(a, b) as 7',
        "count(x) as 7",
    ],
)
def test_a_store_with_macros_is_refused_before_one_is_run(tmp_path, make, macro, read_only):
    path = tmp_path / "store.duckdb"
    make(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute(f"create macro {macro}")
    name = macro.split("(")[0].strip('"').replace("+", r"\+")
    with pytest.raises(MuZeroError, match=rf"macros of its own \({name}\).*drop macro NAME"):
        make(path, read_only)


@pytest.mark.parametrize("in_log", [False, True])
@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_a_store_that_had_no_macros_is_looked_at_again_once_it_has_changed(tmp_path, make, in_log):
    path = tmp_path / "store.duckdb"
    make(path).close()
    make(path, True).close()
    with duckdb.connect(str(path)) as db:
        if in_log:
            db.execute("pragma disable_checkpoint_on_shutdown")
        db.execute("create macro count(x) as 7")
    assert path.with_name("store.duckdb.wal").exists() is in_log
    with pytest.raises(MuZeroError, match=r"macros of its own \(count\)"):
        make(path, True)


@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_a_store_that_this_process_wrote_is_not_looked_at_for_macros(tmp_path, monkeypatch, make):
    path = tmp_path / "store.duckdb"
    monkeypatch.setattr(duckdb_files, "_MACROS", "select error('looked')")
    for _ in range(2):
        make(path).close()
    make(path, True).close()
    with pytest.raises((MuZeroError, duckdb.Error), match="looked"):
        make(shutil.copy(path, tmp_path / "copy.duckdb"), True)


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_a_store_of_a_stranger_reads_nothing_of_the_user(tmp_path, make, read_only):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    read = f"select content from read_text('{secret}')"
    views, macros = tmp_path / "views.duckdb", tmp_path / "macros.duckdb"
    for path in (views, macros):
        make(path).close()
    with duckdb.connect(str(views)) as db:
        # A table of the name elsewhere, so that a look at all names finds one.
        db.execute("create schema other; create table other.meta as from main.meta")
        db.execute(f"drop table meta; create view meta as select 'schema_version' as key, ({read})")
    with duckdb.connect(str(macros)) as db:
        db.execute(f"create macro current_database() as ({read})")
        db.execute(
            f"create macro duckdb_tables() as table select content as table_name from ({read})"
        )
    for path in (views, macros):
        with pytest.raises(MuZeroError) as refused:
            make(path, read_only=read_only)
        assert "secret" not in str(refused.value).replace(str(secret), "")


@pytest.mark.parametrize("make", [BarStore, PaperStore])
def test_a_store_is_kept_under_any_name_that_duckdb_takes_for_one(tmp_path, make):
    for name in ("m[1].duckdb", "m*.duckdb", "it's.duckdb", 'a"b.duckdb', "md:x", "a[b]/m.duckdb"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        for _ in range(2):
            make(path).close()
        assert path.is_file()
    for name in ("m?.duckdb", "a?b/m.duckdb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with pytest.raises(MuZeroError, match="choose a path without one"):
            make(tmp_path / name)


def read_all(path, symbol):
    with BarStore(path, read_only=True) as store:
        return store.symbols(), store.truth(symbol), store.load(symbol)


def test_a_store_of_a_stranger_is_migrated_without_a_look_elsewhere(tmp_path):
    path = tmp_path / "store.duckdb"
    PaperStore(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute("update meta set value = '1' where key = 'schema_version'; drop table events")
        db.execute(f"drop table state; create view state as from read_text('{__file__}')")
    with pytest.raises(RunError, match="it has no table state"):
        PaperStore(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("alter table bars drop close", "bars.close is missing, not DOUBLE"),
        ("alter table bars alter close type varchar", "bars.close is VARCHAR, not DOUBLE"),
        ("drop table series; create table series(a int)", "series.* is missing"),
        ("alter table truths alter json type blob", "truths.json is BLOB"),
        ("insert into bars from bars", "do not increase"),
        ("update bars set open_time = 'infinity'", "it is damaged"),
        ("create macro epoch_ns(x) as 'noon'", "it has macros of its own"),
        ("insert into truths values ('USDJPY', '[')", "it is damaged"),
        ("insert into truths values ('USDJPY', '5')", "it is damaged"),
    ],
)
def test_a_store_whose_tables_are_others_is_named(tmp_path, change, reason):
    path = tmp_path / "market.duckdb"
    with BarStore(path) as store:
        store.write(walk_bars(3, symbol="USDJPY"))
    with duckdb.connect(str(path)) as db:
        db.execute(change)
    with pytest.raises(DataError, match=rf"market\.duckdb: .*{reason}"):
        read_all(path, "USDJPY")


@pytest.mark.parametrize("version", ["x", "", "-1", "0"])
def test_a_store_that_says_no_version_is_damaged(tmp_path, version):
    path = tmp_path / "market.duckdb"
    BarStore(path).close()
    with duckdb.connect(str(path)) as db:
        db.execute("update meta set value = ? where key = 'schema_version'", [version])
    with pytest.raises(DataError, match="its version is"):
        BarStore(path, read_only=True)


def test_what_is_no_duckdb_file_says_so(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 5000)
    with pytest.raises(DataError, match=r"x\.db: "):
        ForeignFile.database(path, "micro_features")
