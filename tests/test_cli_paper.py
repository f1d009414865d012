"""The paper verbs on a small trained run: begun, gone on with, checked, reported on."""

import json

import pytest

from markets import walk_bars
from mlx_muzero import journal
from mlx_muzero.errors import RunError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store import BarStore

MINUTE_NS = 60_000_000_000


@pytest.fixture
def paper_db(tmp_path):
    """A store with two pairs."""
    path = tmp_path / "paper.duckdb"
    with BarStore(path) as store:
        for seed, pair in enumerate(("USDJPY", "EURJPY")):
            store.write(walk_bars(240, seed, pair))
    return path


def time_of(minute):
    return utc_text(int(walk_bars(1).open_time_ns[0]) + minute * MINUTE_NS).replace(" ", "T")


def test_a_session_from_begin_to_report(cli, trained, paper_db, tmp_path):
    begin = [
        "paper", "start", "--model", trained, "--pairs", "USD_JPY,EURJPY", "--db", paper_db,
        "--set", "risk.max_total_exposure=1", "--run", "runs/p", "--from", time_of(200),
    ]  # fmt: skip
    code, out, err = cli(*begin, "--to", time_of(220))
    assert code == 0, err
    assert out == ""
    assert "next: mlx-muzero paper report runs/p" in err
    events = list(journal.read(tmp_path / "runs" / "p" / "journal.jsonl"))
    started = events[0]
    assert started["model_run"] == str(trained)
    assert started["outcomes"] == ["UP", "NEUTRAL", "DOWN"]
    assert (started["unit"], started["backend"]) == ("pips", "native")
    decided = [e for e in events if e["event"] == "minute" and e["simulations"]]
    assert len(decided) == 20

    code, _, err = cli("paper", "start", "--run", "runs/p")
    assert code == 0, err
    code, out, err = cli("paper", "parity", "runs/p")
    assert code == 0, err
    assert "recorded and replayed are exact" in out
    assert next(journal.read(tmp_path / "runs" / "p" / "journal.jsonl"))
    *_, last = journal.read(tmp_path / "runs" / "p" / "journal.jsonl")
    assert (last["event"], last["exact"]) == ("parity", True)

    code, out, err = cli("paper", "report", "runs/p", "--csv", "tables", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert report["minutes"] == 20
    assert set(report["latency_ms"]) == {"observe", "search", "orders", "total"}
    assert (tmp_path / "tables" / "trades.csv").read_text().startswith("pair,exposure,entry_ns")
    code, out, _ = cli("paper", "report", "runs/p", "--parquet", "tables")
    assert code == 0
    assert "ledger against trades' prices" in out
    assert (tmp_path / "tables" / "decisions.parquet").stat().st_size > 0


def test_a_session_keeps_what_it_was_begun_with(cli, trained, paper_db):
    begin = ("paper", "start", "--model", trained, "--db", paper_db, "--run", "p", "--pairs")
    assert cli(*begin, "USDJPY", "--to", time_of(5))[0] == 0
    code, _, err = cli(*begin, "EURJPY")
    assert code == RunError.exit_code
    assert "begun with another --pairs" in err
    code, _, err = cli("paper", "start", "--run", "p", "--set", "risk.max_drawdown_frac=0.5")
    assert code == RunError.exit_code
    assert "begun with another --set" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("start",), 2, "name a training run, or the --run to go on with"),
        (("start", "--model", "nowhere"), 5, "holds no run"),
        (("halt", "nowhere"), 5, "no running process takes commands there"),
        (("report", "nowhere"), 5, "holds no paper session"),
        (("parity", "nowhere"), 5, "holds no paper session"),
    ],
)
def test_mistakes_are_named(cli, arguments, code, message):
    got, _, err = cli("paper", *arguments)
    assert got == code
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--feed", "carrier-pigeon", "--pairs", "USDJPY"), 10, "no feed 'carrier-pigeon'"),
        (("--pairs", "GBPUSD"), 4, "has no bars of GBPUSD"),
        (("--from", "yesterday"), 2, "Invalid value for --from"),
        (("--set", "risk.max=1"), 3, "risk.max: no such key"),
    ],
)
def test_a_session_that_cannot_begin_says_why(cli, trained, paper_db, arguments, code, message):
    got, _, err = cli(
        "paper", "start", "--model", trained, "--db", paper_db, "--run", "p", *arguments
    )
    assert got == code, err
    assert message in err


def test_nothing_is_reported_of_a_session_that_has_not_traded(cli, trained, paper_db):
    begin = ("paper", "start", "--model", trained, "--db", paper_db, "--run", "p")
    assert cli(*begin, "--pairs", "USDJPY", "--from", "2030-01-01")[0] == 4
    code, _, err = cli("paper", "report", "p")
    assert code == RunError.exit_code
    assert "no paper session" in err or "no minute" in err
