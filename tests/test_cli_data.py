"""`mlx-muzero data`: data on standard output, narration on standard error."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mlx_muzero.errors import DataError
from muzero_cli.data import app

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
