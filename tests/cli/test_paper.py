"""The paper verbs on a small trained run: begun, gone on with, checked, reported on."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from examples import cases
from markets import walk_bars
from mlx_muzero.errors import ConfigError, RunError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.duckdb_files import vouch_for
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.verdict_file import EXIT_CODES
from mlx_muzero.training.run import RunFolder
from mlx_muzero.watch.events import SHAPES, checked
from pages import contents_in

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
    for run in (trained, tmp_path / "runs" / "p"):
        lines = (run / "journal.jsonl").read_bytes().splitlines()
        assert {checked(line)["event"] for line in lines} <= SHAPES.keys(), "watchers know them"
    started = events[0]
    assert started["model_run"] == str(trained)
    assert started["outcomes"] == ["UP", "NEUTRAL", "DOWN"]
    assert (started["unit"], started["backend"]) == ("pips", "native")
    decided = [e for e in events if e["event"] == "minute" and e["simulations"]]
    assert len(decided) == 20
    assert all(e["market_ns"] == e["close_ns"] for e in decided), "whatever this machine's clock"

    code, _, err = cli("paper", "start", "--run", "runs/p")
    assert code == 0, err
    code, out, err = cli("paper", "parity", "runs/p")
    assert code == 0, err
    assert "the replay equals the record" in out
    assert next(journal.read(tmp_path / "runs" / "p" / "journal.jsonl"))
    *_, last = journal.read(tmp_path / "runs" / "p" / "journal.jsonl")
    assert (last["event"], last["exact"]) == ("parity", True)

    code, out, err = cli("paper", "report", "runs/p", "--csv", "tables", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert (report["minutes"], report["day"]) == (20, "trading")
    assert report["verdict"]["call"] == "too short"
    code, out, _ = cli("paper", "status", "runs/p")
    assert "Verdict: too short. 1 day, where 20 at different times" in " ".join(out.split())
    assert set(report["latency_ms"]) == {"observe", "search", "orders", "total"}
    heads, first, *_ = (tmp_path / "tables" / "equity.csv").read_text().splitlines()
    row = dict(zip(heads.split(","), first.split(","), strict=True))
    close_time = datetime.fromisoformat(row["close_time"])
    assert close_time.timestamp() * 1e9 == int(row["close_ns"])
    heads, *days = (tmp_path / "tables" / "returns.csv").read_text().splitlines()
    assert heads.startswith("date,the agent,buy_and_hold")
    net = sum(float(day.split(",")[1]) for day in days) * 1e4 * 2  # pairs
    assert net == pytest.approx(report["metrics"]["net_bps"])
    code, out, _ = cli("paper", "report", "runs/p", "--parquet", "tables")
    assert code == 0
    assert "ledger minus trades' prices" in out
    assert (tmp_path / "tables" / "decisions.parquet").stat().st_size > 0
    code, _, err = cli("paper", "report", "runs/p", "--html", "page.html")
    assert (code, "written to page.html" in err) == (0, True)
    page = contents_in((tmp_path / "page.html").read_text())
    assert page["verdict"]["call"] == "too short"
    assert [each["symbol"] for each in page["candles"]] == ["USDJPY", "EURJPY"]
    assert page["again"]["command"] == "mlx-muzero paper report runs/p --html page.html"


def test_trading_a_run_that_was_never_validated_says_so_first(cli, config_file, db, paper_db):
    train = ("train", "--run", "young", "--config", config_file, "--db", db, "--minutes", "0")
    assert cli(*train)[0] == 0
    code, _, err = cli(
        "paper", "start", "--model", "young", "--pairs", "USD_JPY", "--db", paper_db,
        "--run", "runs/p", "--from", time_of(200), "--to", time_of(203),
    )  # fmt: skip
    assert code == 0, err
    assert err.startswith("young was never validated: the first validation is after 4 episodes")


def last_look(cli, db):
    """The ledger's newest look at a store."""
    code, out, _ = cli("looks", "--db", db, "--json")
    assert code == 0
    return json.loads(out)["looks"][-1]


def replay(cli, run, db, folder, *options):
    """What a replay of `run` says, and its report."""
    begin = ("paper", "start", "--model", run, "--db", db, "--run", folder)
    code, _, said = cli(*begin, *options)
    assert code == 0, said
    code, out, err = cli("paper", "report", folder, "--json")
    assert code == 0, err
    return said, json.loads(out)


def test_a_replay_of_the_test_split_is_a_look_at_it(cli, trained, db):
    said, report = replay(cli, trained, db, "p", "--from", time_of(1400), "--to", time_of(1410))
    assert "Look 1 at the bars of this replay; 1 configuration was tried: 1 judged" in said
    assert (report["fitted"], report["verdict"]["call"]) == (None, "too short")
    look = last_look(cli, db)
    assert (look["event"], look["part"], look["symbols"]) == ("evaluated", "replay", ["TEST"])
    assert utc_text(look["first_ns"]).replace(" ", "T") == time_of(1400)
    assert utc_text(look["end_ns"]).replace(" ", "T") == time_of(1409)
    code, out, err = cli("evaluate", trained, "--sessions", "2")
    assert code == 0, err
    assert "Look 2 at this test split" in " ".join(out.split())
    # To go on with it is no look, to play it again is one.
    assert "Look" not in cli("paper", "start", "--run", "p")[2]
    said, _ = replay(cli, trained, db, "q", "--from", time_of(1405), "--to", time_of(1410))
    assert "Look 3 at the bars of this replay" in said


def test_a_replay_of_what_the_run_was_trained_on_says_so_and_has_no_verdict(cli, trained, db):
    said, report = replay(cli, trained, db, "p", "--from", time_of(200), "--to", time_of(210))
    assert "the run was trained on the bars before 20" in said
    assert "what it earns there shows nothing" in said
    assert "Look" not in said
    assert report["verdict"] is report["luck"] is None
    assert report["fitted"].startswith("the run was trained on the bars before 20")
    assert last_look(cli, db)["event"] == "validated"
    code, out, err = cli("paper", "report", "p", "--html", "page.html", "--exit-code")
    assert code == EXIT_CODES["not shown"], err
    assert "Verdict: none. The run was trained or chosen on these bars." in out
    assert contents_in(Path("page.html").read_text())["verdict"]["call"] == "none"


def test_other_bars_of_the_same_name_and_time_were_not_trained_on(cli, trained, tmp_path):
    other = tmp_path / "other.duckdb"
    with BarStore(other) as store:
        store.write(walk_bars(240, 7))
    span = ("--from", time_of(200), "--to", time_of(210))
    said, report = replay(cli, trained, other, "p", *span)
    assert "Look 1 at the bars of this replay" in said
    assert report["fitted"] is None


def test_a_run_whose_store_is_gone_may_have_been_trained_on_what_it_replays(cli, trained, db):
    moved = db.rename(db.with_name("moved.duckdb"))
    vouch_for(moved)
    span = ("--from", time_of(200), "--to", time_of(210))
    said, report = replay(cli, trained, moved, "p", *span)
    assert (
        f"nobody can tell whether the run was trained on these bars: no bar store at {db}" in said
    )
    assert "Look 1 at the bars of this replay" in said
    assert report["verdict"] is None


def test_a_session_keeps_what_it_was_begun_with(cli, trained, paper_db):
    begin = ("paper", "start", "--model", trained, "--db", paper_db, "--run", "p", "--pairs")
    assert cli(*begin, "USDJPY", "--to", time_of(5))[0] == 0
    code, _, err = cli(*begin, "EURJPY")
    assert code == RunError.exit_code
    assert "started with another --pairs" in err


@pytest.mark.slow
@pytest.mark.parametrize("precision", cases(1, ["int8", "bfloat16"]))
def test_a_session_in_another_precision_keeps_it_and_its_replay_is_exact(
    cli, trained, paper_db, precision
):
    begin = (
        *("paper", "start", "--model", trained, "--db", paper_db, "--run", "p"),
        *("--pairs", "USDJPY,EURJPY", "--precision", precision, "--from", time_of(200)),
    )
    code, _, err = cli(*begin, "--to", time_of(215))
    assert code == 0, err
    code, _, err = cli("paper", "start", "--run", "p")
    assert code == 0, err
    assert PaperFolder(Path("p")).settings().session.precision == precision
    code, out, err = cli("paper", "parity", "p")
    assert code == 0, err
    assert "the replay equals the record" in out
    code, _, err = cli("paper", "start", "--run", "p", "--precision", "float32")
    assert code == RunError.exit_code
    assert "started with another --precision" in err


def test_a_replay_plays_the_store_that_the_model_was_trained_on(cli, trained, db):
    code, _, err = cli("paper", "start", "--model", trained, "--run", "p", "--to", time_of(5))
    assert code == 0, err
    assert PaperFolder(Path("p")).settings().session.database == str(db)
    # Who repeats the command may name it.
    repeated = ("paper", "start", "--model", trained, "--run", "p", "--to", time_of(5))
    assert cli(*repeated, "--db", db)[0] == 0


@pytest.fixture
def begun(cli, trained, paper_db):
    """The command that began the session in "p", which has ended."""
    command = (
        *("paper", "start", "--model", trained, "--db", paper_db, "--run", "p", "--backend"),
        *("native", "--pairs", "USDJPY", "--to", time_of(5), "--speed", "1e5"),
        *("--set", "risk.max_drawdown_frac=0.3"),
    )
    code, _, err = cli(*command)
    assert code == 0, err
    assert "starts: USDJPY with checkpoint" in err
    return command


def test_the_whole_command_may_be_repeated(cli, begun):
    """As whatever restarts services does."""
    code, _, err = cli(*begun)
    assert code == 0, err
    assert "resumes: USDJPY with checkpoint" in err


def test_status_shows_positions_and_money_and_stop_needs_a_process(cli, begun):
    code, out, err = cli("paper", "status", "p")
    assert code == 0, err
    assert out.startswith("p: finished\n")
    assert "equity 10,000.00  day +0.00" in out
    (row,) = [line.split() for line in out.splitlines() if "USDJPY" in line]
    assert row[:4] == ["USDJPY", "warming", "FLAT", "+0"]
    facts = json.loads(cli("paper", "status", "p", "--json")[1])
    assert (facts["condition"], facts["equity"], facts["open_orders"]) == ("finished", 10_000.0, 0)
    assert facts["pairs"]["USDJPY"]["state"] == "warming"
    code, _, err = cli("paper", "stop", "p")
    assert code == RunError.exit_code
    assert "p: no process trades there. Go on with: mlx-muzero paper start --run p\n" in err
    code, _, err = cli("paper", "exclude", "p", "USDJPY")
    assert code == RunError.exit_code
    assert "no running process takes commands there" in err


def test_status_says_what_plays_in_the_place_of_what_was_asked_for(cli, begun, tmp_path):
    assert "instead of" not in cli("paper", "status", "p")[1]
    told = tmp_path / "p" / "journal.jsonl"
    events = [json.loads(line) for line in told.read_text().splitlines()]
    for event in events:
        if event["event"] == "paper_started":
            event["backend_wanted"] = "coreml"
    told.write_text("".join(json.dumps(event) + "\n" for event in events))
    code, out, err = cli("paper", "status", "p")
    assert code == 0, err
    assert "\nnative plays instead of coreml\n" in out
    facts = json.loads(cli("paper", "status", "p", "--json")[1])
    assert (facts["backend"], facts["backend_wanted"]) == ("native", "coreml")


def test_status_tells_the_funding_that_is_planned_with(cli, begun, tmp_path):
    assert "funding" not in cli("paper", "status", "p")[1]
    told = tmp_path / "p" / "journal.jsonl"
    events = [json.loads(line) for line in told.read_text().splitlines()]
    for event in events:
        if event["event"] == "minute":
            expected = {"funding_bps": -1.5, "funding_from": "announced"}
            event["pairs"]["USDJPY"] |= expected
    told.write_text("".join(json.dumps(event) + "\n" for event in events))
    code, out, err = cli("paper", "status", "p")
    assert code == 0, err
    assert " funding " in out
    assert "-1.50 bps, announced" in out


def test_an_account_moves_in_one_file(cli, begun, paper_db):
    code, out, err = cli("paper", "backup", "p", "account.tar", "--move")
    assert code == 0, err
    assert "the account of p as it was" in out
    assert "it no longer trades here" in out
    code, _, err = cli("paper", "start", "--run", "p")
    assert code == RunError.exit_code
    assert "p was moved away" in err
    code, out, err = cli("paper", "restore", "account.tar", "q", "--db", paper_db)
    assert code == 0, err
    assert "resume with: mlx-muzero paper start --run q" in out
    assert f"It replays {paper_db}, which is not in the backup." in err
    code, _, err = cli("paper", "start", "--run", "q")
    assert code == 0, err
    assert "q was restored from" in err
    started = [e for e in journal.read(Path("q/journal.jsonl")) if e["event"] == "paper_started"]
    assert [bool(e["restored_from"]) for e in started] == [False, True]
    code, _, err = cli("paper", "restore", "account.tar", "q")
    assert code == RunError.exit_code
    assert "q is not empty" in err


def test_a_paper_session_is_no_training_run_nor_the_other_way_round(cli, begun, trained):
    code, _, err = cli("paper", "start", "--model", "p", "--run", "q")
    assert code == RunError.exit_code
    assert "p holds a paper session, not a training run" in err
    code, _, err = cli("paper", "start", "--model", trained, "--run", trained)
    assert code == RunError.exit_code
    assert "holds a training run. Choose another --run" in err
    assert f"name this one by --model {trained} to trade its model" in err
    with pytest.raises(RunError, match=r"p holds a paper session\. Choose another --run"):
        RunFolder(Path("p")).held().__enter__()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("start",), 2, "give --model, a training run"),
        (("start", "--model", "nowhere"), 5, "holds no run"),
        (("halt", "nowhere"), 5, "holds no paper session"),
        (("exclude", "nowhere", "USDJPY"), 5, "holds no paper session"),
        (("stop", "nowhere"), 5, "holds no paper session"),
        (("status", "nowhere"), 5, "holds no paper session"),
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
        (("--feed", "carrier-pigeon", "--pairs", "USDJPY"), 10, "no feed named 'carrier-pigeon'"),
        (("--pairs", "GBPUSD"), 4, "has no bars of GBPUSD"),
        (
            ("--pairs", "USDJPY", "--from", "2040-01-01"),
            4,
            "in that period: it holds 2019-01-07 00:00 to",
        ),
        (("--db", "run/journal.jsonl"), 4, "run/journal.jsonl"),
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
    assert not Path("p").exists(), "it was not begun"


def test_nothing_is_reported_of_a_session_that_has_not_traded(cli, trained, paper_db):
    begin = ("paper", "start", "--model", trained, "--db", paper_db, "--run", "p")
    assert cli(*begin, "--pairs", "USDJPY", "--from", time_of(200), "--to", time_of(150))[0] == 0
    code, _, err = cli("paper", "report", "p")
    assert code == RunError.exit_code
    assert "no minute has been traded yet" in err


def test_retraining_needs_an_interval_and_the_bars_of_the_training(cli, trained, paper_db, db):
    begin = ("paper", "start", "--model", trained, "--pairs", "USDJPY", "--db", paper_db)
    begin += ("--run", "p", "--to", time_of(5))
    code, _, err = cli(*begin, "--retrain", "weekly")
    assert (code, "write days or hours, as 7d or 12h" in err) == (2, True)
    db.rename(db.with_name("elsewhere"))
    code, _, err = cli(*begin, "--retrain", "12h")
    assert (code, "there is no such file" in err) == (ConfigError.exit_code, True)
    db.with_name("elsewhere").rename(db)
    assert cli(*begin, "--retrain", "12h")[0] == 0
    assert PaperFolder(Path("p")).settings().retrain.every_days == 0.5
    assert cli(*begin, "--retrain", "0.5d")[0] == 0, "who repeats it asks for the same"
