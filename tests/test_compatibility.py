"""What users of a release have is opened by this build: `docs/compatibility.md` promises it.

Each folder in `compatibility/` holds what one release made; `compatibility/make.py` says how.
"""

import asyncio
import json
import shutil

import pytest

from examples import cases
from mlx_muzero.runlog import journal
from muzero_tui.app import MuZeroApp
from releases import RELEASES, unpack
from tui_pilots import opened, press


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.name)
def release(request, tmp_path_factory):
    """What one release made, unpacked."""
    return unpack(request.param, tmp_path_factory.mktemp("release"))


@pytest.fixture
def desk(release, tmp_path, cli):
    """A copy of it, in which the command runs."""
    shutil.copytree(release, tmp_path, dirs_exist_ok=True)
    return tmp_path


def done(cli, *arguments):
    """What the command printed, which did what it was asked for."""
    code, out, err = cli(*arguments)
    assert code == 0, err
    return out


def events(run):
    return [event["event"] for event in journal.read(run / "journal.jsonl")]


def test_a_store_lists_checks_and_takes_further_bars(desk, cli):
    listed = json.loads(done(cli, "data", "list", "--json"))
    bars = {row["symbol"]: row["bars"] for row in listed["symbols"]}
    assert bars == {
        "BTCUSDT": 3000, "ETHUSDT": 3000, "EURJPY": 1500, "PLANTED_EDGE": 1440, "USDJPY": 1500,
    }  # fmt: skip
    assert {row["symbol"]: row["points"] for row in listed["series"]} == {
        "BTCUSDT": 7,
        "ETHUSDT": 7,
    }
    for symbol in bars:
        checked = json.loads(done(cli, "data", "check", symbol, "--json"))
        assert checked["bars"] == bars[symbol]
    further = desk / "DAT_ASCII_USDJPY_M1_2024.csv"
    rows = (f"20240206 01{minute:02}00;148.0;148.1;147.9;148.0;0\n" for minute in range(60))
    further.write_text("".join(rows))
    done(cli, "data", "import", further, "--symbol", "USDJPY", "--clock", "UTC")
    listed = json.loads(done(cli, "data", "list", "--json"))
    assert {row["symbol"]: row["bars"] for row in listed["symbols"]}["USDJPY"] == 1560


@pytest.mark.parametrize("name", cases(1, ["crypto", "fx", "finished"]))
def test_a_training_run_is_shown_and_judged(desk, cli, name):
    status = json.loads(done(cli, "status", f"runs/{name}", "--json"))
    assert status["kind"] == "training"
    assert status["skipped_lines"] == 0
    judged = json.loads(
        done(cli, "evaluate", f"runs/{name}", "--split", "test", "--sessions", "2", "--json")
    )
    assert "agent (search)" in judged["policies"]


def test_a_stopped_training_goes_on(desk, cli):
    done(cli, "train", "--run", "runs/fx", "--resume")
    run = desk / "runs" / "fx"
    assert events(run)[-1] == "finished"
    assert "resumed" in events(run)
    assert json.loads(done(cli, "status", run, "--json"))["condition"] == "finished"


def test_the_tree_behind_a_decision(desk, cli):
    shown = json.loads(done(cli, "tree", "runs/fx", "--at", "2024-02-05T21:00", "--json"))
    assert shown["symbol"] == "USDJPY"
    shown = json.loads(
        done(cli, "tree", "runs/crypto", "--at", "2024-02-06T08:00", "--pair", "ETHUSDT", "--json")
    )
    assert shown["symbol"] == "ETHUSDT"


@pytest.mark.slow
def test_an_export_is_verified_and_plays(desk, cli):
    figures = json.loads(done(cli, "verify", "runs/fx/export", "--json"))
    assert figures["engines"][0]["problems"] == []
    judged = done(
        cli, *("evaluate", "runs/fx", "--sessions", "1", "--backend", "coreml-sim", "--json")
    )
    assert json.loads(judged)["backend"] == "coreml-sim"


@pytest.mark.slow
def test_a_walk_forward_is_reported_again(desk, cli):
    walked = json.loads(done(cli, "walk-forward", "--run", "runs/walk", "--resume", "--json"))
    assert len(walked["windows"]) == 2


@pytest.mark.parametrize("name", cases(1, ["killed", "stopped"]))
def test_a_paper_session_goes_on_with_its_positions(desk, cli, name):
    run = desk / "runs" / f"paper-{name}"
    before = json.loads(done(cli, "status", run, "--json"))
    done(cli, "paper", "start", "--run", run)
    done(cli, "paper", "parity", run)
    report = json.loads(done(cli, "paper", "report", run, "--json"))
    assert report["minutes"] == 40
    after = json.loads(done(cli, "status", run, "--json"))
    assert after["events"] > before["events"]
    assert after["skipped_lines"] == 0


@pytest.mark.parametrize(("name", "minutes"), [("finished", 40), ("crypto", 60)])
def test_a_finished_paper_session_is_reported_and_repeated(desk, cli, name, minutes):
    run = f"runs/paper-{name}"
    # To the bit where the kernels are those that computed it, which it does not say; 0.1.0 did not.
    checked = json.loads(done(cli, "paper", "parity", run, "--json"))
    assert checked["agrees"]
    assert checked["rounding"]["recorded"] == {}
    assert checked["rounding"]["largest"] < 1e-5
    report = json.loads(done(cli, "paper", "report", run, "--json"))
    assert report["minutes"] == minutes


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("fx", ""),
        pytest.param("paper-finished", "12345", marks=pytest.mark.slow),
        ("paper-killed", ""),
    ],
)
def test_the_terminal_application_shows_it(desk, name, keys):
    async def main():
        app = MuZeroApp(desk / "runs" / name)
        async with app.run_test() as pilot:
            await opened(pilot)
            await press(pilot, *keys)
            return app.return_code

    assert not asyncio.run(main())
