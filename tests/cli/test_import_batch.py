"""Many files at once: what a folder holds, and that one bad file keeps no other out."""

import json

import pytest
from typer.testing import CliRunner

from market_files import ascii_file, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import ImportBatch
from mlx_muzero.market.store.bar_store import BarStore
from muzero_cli.verbs.data import app


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args], catch_exceptions=False)


@pytest.fixture
def folder(tmp_path):
    """Two good files, a bad one between them, and what is not a file of bars."""
    folder = tmp_path / "files"
    (folder / "deep").mkdir(parents=True)
    ascii_file(folder / "DAT_ASCII_EURJPY_M1_2021.csv")
    write(folder / "DAT_ASCII_GBPJPY_M1_2021.csv", ["not", "bars"])
    ascii_file(folder / "deep" / "DAT_ASCII_USDJPY_M1_2021.csv", seed=1)
    (folder / "README.txt").write_text("about")
    (folder / ".hidden.csv").write_text("x")
    return folder


def test_a_bad_file_does_not_end_the_batch(folder, tmp_path):
    db = tmp_path / "market.duckdb"
    result = run("import", folder, "--db", db)
    assert result.exit_code == DataError.exit_code
    assert result.stdout.count("200 new") == 2
    assert "3 files: 2 imported, 0 already there, 1 not imported:" in result.stderr
    assert "GBPJPY_M1_2021.csv: unknown format" in result.stderr.replace("\n", " ")
    assert "1 file of other kinds was skipped (README.txt)" in result.stderr
    with BarStore(db, read_only=True) as store:
        assert [s.symbol for s in store.symbols()] == ["EURJPY", "USDJPY"]
    again = run("import", folder, "--db", db)
    assert "0 imported, 2 already there, 1 not imported" in again.stderr


def test_what_two_files_have_in_common_is_told_once(folder, tmp_path):
    write(folder / "DAT_ASCII_NZDJPY_M1_2021.csv", ["not", "bars"])
    told = run("import", folder, "--db", tmp_path / "market.duckdb").stderr.replace("\n", " ")
    assert told.count("histdata-ascii: ") == 1
    assert told.count("Known:") == 2
    assert "Known: as above" in told


def test_json_has_an_error_for_a_file_that_failed(folder, tmp_path):
    result = run("import", folder, "--db", tmp_path / "market.duckdb", "--json")
    assert result.exit_code == DataError.exit_code
    good, bad, also_good = json.loads(result.stdout)
    assert (good["inserted"], also_good["inserted"]) == (200, 200)
    assert bad["file"].endswith("GBPJPY_M1_2021.csv")
    assert bad["error"]["code"] == "market-data"
    assert "unknown format" in bad["error"]["message"]


def test_the_exit_code_is_that_of_the_first_failure(folder, tmp_path):
    missing = run("import", folder / "none.csv", folder, "--db", tmp_path / "market.duckdb")
    assert missing.exit_code == DataError.exit_code
    assert "no such file" in missing.stderr
    good = [folder / "DAT_ASCII_EURJPY_M1_2021.csv", folder / "deep"]
    assert run("import", *good, "--db", tmp_path / "other.duckdb").exit_code == 0


def test_a_single_file_that_fails_is_the_error_itself(folder, tmp_path):
    with pytest.raises(DataError, match="unknown format"):
        run("import", folder / "DAT_ASCII_GBPJPY_M1_2021.csv", "--db", tmp_path / "m.duckdb")


def test_a_folder_is_searched_for_what_can_be_imported(folder):
    store = folder / "market.duckdb"
    BarStore(store).close()
    (folder / "market.duckdb.v1").write_bytes(b"an older one")
    (folder / "usdjpy-ask.csv").write_text("x")
    (folder / "deep" / "again").symlink_to(folder)
    batch = ImportBatch.of([folder, folder / "usdjpy-ask.csv"], store)
    names = [path.name for path in batch.files]
    assert names == [*sorted(names[:3]), "usdjpy-ask.csv"]
    assert [path.name for path in batch.passed_over] == ["README.txt"]
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"empty: has no file that ends in \.csv"):
        ImportBatch.of([empty], store)


def test_texts_of_a_folder_are_told_apart_by_their_content(tmp_path):
    folder = tmp_path / "histdata"
    folder.mkdir()
    ascii_file(folder / "DAT_ASCII_EURJPY_M1_2021.csv")
    write(folder / "DAT_ASCII_EURJPY_M1_2021.txt", ["Gap of 123s found between 1 and 2."])
    ascii_file(folder / "DAT_MS_USDJPY.txt", seed=1)
    write(folder / "LICENSE.txt", ["Time, open source, high and low: the license closes."])
    (folder / "empty.txt").write_bytes(b"")
    (folder / "binary.txt").write_bytes(b"\0\1\2")
    batch = ImportBatch.of([folder], tmp_path / "m.duckdb")
    assert [path.name for path in batch.files] == [
        "DAT_ASCII_EURJPY_M1_2021.csv",
        "DAT_MS_USDJPY.txt",
    ]
    assert [path.name for path in batch.passed_over] == [
        "DAT_ASCII_EURJPY_M1_2021.txt",
        "LICENSE.txt",
        "binary.txt",
        "empty.txt",
    ]


def test_where_there_is_no_terminal_a_failure_is_all_that_is_said(cli):
    assert cli("data", "import", "nowhere.csv", "--db", "m.duckdb") == (
        DataError.exit_code,
        "",
        "error: nowhere.csv: no such file\n",
    )
