"""`mlx-muzero data`: data on standard output, narration on standard error."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mlx_muzero.errors import DataError
from muzero_cli.verbs.data import app

MINUTES = np.datetime64("2021-03-01T00:00", "s") + np.arange(300) * 60


@pytest.fixture
def files(tmp_path):
    lines = [f"{t.item():%Y%m%d %H%M%S};105.1;105.3;105;105.2;0" for t in MINUTES]
    lines[7] = "not a row"
    path = tmp_path / "DAT_ASCII_USDJPY_M1_2021.csv"
    path.write_text("\n".join(lines) + "\n")
    return path, tmp_path / "db" / "market.duckdb"


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args], catch_exceptions=False)


def test_import_list_and_check(files):
    path, db = files
    result = run("import", path, "--db", db)
    assert result.exit_code == 0
    assert "299 new" in result.stdout
    assert "DAT_ASCII_USDJPY_M1_2021.csv:8: 1 fields, expected 6: not a row" in result.stdout
    assert "already imported" in run("import", path, "--db", db).stdout
    assert "USDJPY" in run("list", "--db", db).stdout
    assert "one-minute hole" in run("check", "USDJPY", "--db", db).stdout


def test_json_is_all_there_is_on_standard_output(files):
    path, db = files
    (report,) = json.loads(run("import", path, "--db", db, "--json").stdout)
    assert report["rejected"][0]["line"] == 8
    (summary,) = json.loads(run("list", "--db", db, "--json").stdout)["symbols"]
    assert (summary["symbol"], summary["bars"]) == ("USDJPY", 299)
    quality = json.loads(run("check", "USDJPY", "--db", db, "--json").stdout)
    assert quality["gap_counts"]["one-minute hole"] == 1


def test_errors_reach_the_caller_as_they_are(files):
    path, db = files
    with pytest.raises(DataError, match="no bar store"):
        run("list", "--db", db)
    run("import", path, "--db", db, "--symbol", "EURUSD", "--clock", "UTC")
    with pytest.raises(DataError, match="no bars of USDJPY"):
        run("check", "USDJPY", "--db", db)


def test_an_import_of_nothing_leaves_no_store(files, tmp_path):
    path, db = files
    with pytest.raises(DataError, match="no such file"):
        run("import", tmp_path / "missing.csv", "--db", db)
    with pytest.raises(DataError, match="no bar store"):
        run("check", "USDJPY", "--db", db)
    run("import", path, "--db", db)
    with pytest.raises(DataError, match="no such file"):
        run("import", tmp_path / "missing.csv", "--db", db)
    assert "USDJPY" in run("list", "--db", db).stdout


def test_series_are_listed_and_checked_beside_bars(files, tmp_path):
    path, db = files
    rows = [f"{1614556800000 + i * 28_800_000},8,0.0001" for i in (0, 1, 2, 5)]
    funding = tmp_path / "USDJPY-fundingRate-2021-03.csv"
    funding.write_text("calc_time,funding_interval_hours,last_funding_rate\n" + "\n".join(rows))
    macro = tmp_path / "cpi.csv"
    macro.write_text("date,value,release_time\n2021-02-01,1.7,2021-03-10T13:30\n")
    imported = run("import", path, funding, macro, "--db", db)
    assert "USDJPY funding_rate (binance-funding, clock UTC): 4 rows, 4 new" in imported.stdout
    assert "MACRO cpi (macro" in imported.stdout
    found = json.loads(run("list", "--db", db, "--json").stdout)["series"]
    assert [(s["symbol"], s["name"], s["points"]) for s in found] == [
        ("MACRO", "cpi", 1),
        ("USDJPY", "funding_rate", 4),
    ]
    quality = json.loads(run("check", "USDJPY", "--db", db, "--json").stdout)
    assert quality["bars"] == 299
    (series,) = quality["series"]
    assert (series["usual_minutes"], series["holes"]) == (480, 1)
    assert series["longest_hole_minutes"] == 3 * 480
    assert "funding_rate" in run("check", "USDJPY", "--db", db).stdout
    assert "cpi" in run("check", "MACRO", "--db", db).stdout
    assert "one-minute hole" not in run("check", "MACRO", "--db", db).stdout


def test_an_instrument_is_said_once_and_listed(files):
    path, db = files
    run("import", path, "--db", db)
    shown = run("instrument", "usdjpy", "--db", db)
    assert shown.stdout == "USDJPY: fx, pip 0.01, step 0.001\n"
    with pytest.raises(DataError, match="data instrument MY_BARS --calendar HOURS --pip PRICE"):
        run("import", path, "--db", db, "--symbol", "MY_BARS")
    said = run("instrument", "my_bars", "--calendar", "fx", "--pip", "0.5", "--db", db)
    assert said.stdout == "MY_BARS: fx, pip 0.5\n"
    run("import", path, "--db", db, "--symbol", "MY_BARS")
    assert "fx, pip 0.5" in run("list", "--db", db).stdout
    listed = json.loads(run("list", "--db", db, "--json").stdout)["symbols"]
    assert [s["instrument"]["pip_size"] for s in listed] == [0.5, 0.01]
    # A currency pair's hours are known: its pip alone is asked for.
    only_pip = run("instrument", "USDKRW", "--pip", "0.1", "--db", db)
    assert only_pip.stdout == "USDKRW: fx, pip 0.1\n"
    both = run("instrument", "x,y", "--calendar", "crypto", "--pip", "0", "--db", db, "--json")
    assert [i["symbol"] for i in json.loads(both.stdout)["instruments"]] == ["X", "Y"]
    for wrong in (["--calendar", "fx"], ["--pip", "1"], ["--calendar", "fx", "--pip", "nan"]):
        assert CliRunner().invoke(app, ["instrument", "Z", *wrong, "--db", str(db)]).exit_code == 2


def test_rename_and_remove(files):
    path, db = files
    run("import", path, "--db", db)
    renamed = run("rename", "usdjpy", "yen", "--db", db).stdout
    assert renamed.startswith("USDJPY is now YEN: 299 bars, 0 points of series, 1 imports.")
    result = CliRunner().invoke(app, ["remove", "YEN", "--db", str(db)])
    assert result.exit_code == 2
    assert "299" in run("list", "--db", db).stdout
    part = run("remove", "yen", "--from", "2021-03-01T06:00", "--yes", "--db", db, "--json")
    assert json.loads(part.stdout) == {"symbol": "YEN", "bars": 240, "points": 0, "imports": 1}
    assert "removed 59 bars" in run("remove", "YEN", "--yes", "--db", db).stdout
    with pytest.raises(DataError, match=r"has nothing of YEN \(it holds nothing\)"):
        run("remove", "YEN", "--yes", "--db", db)


@pytest.mark.parametrize(
    "words", [("rename", "A", "B"), ("remove", "A", "--yes"), ("instrument", "A", "--pip", "1")]
)
def test_what_there_is_nothing_to_do_to_makes_no_store(tmp_path, words):
    db = tmp_path / "new" / "market.duckdb"
    assert CliRunner().invoke(app, [*words, "--db", str(db)]).exit_code != 0
    assert not db.parent.exists()


def test_what_an_import_was_told_is_shown_with_its_symbol(files):
    path, db = files
    run("import", path, "--db", db, "--skip-bad-rows", "--stamps", "open")
    said = "was imported with --skip-bad-rows: 1 rows left out, --stamps open"
    assert f"{path.name} {said}" in run("check", "USDJPY", "--db", db).stdout
    shown = json.loads(run("check", "USDJPY", "--db", db, "--json").stdout)["accepted"]
    assert shown == {path.name: ["--skip-bad-rows: 1 rows left out", "--stamps open"]}
