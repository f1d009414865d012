"""A session that retrains: real trainings, judged, taken over, checked afterwards."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config import toml as config_toml
from mlx_muzero.errors import RunError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.duckdb_files import vouch_for
from mlx_muzero.processes.running import is_running
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.look_ledger import read_looks
from mlx_muzero.watch.events import SHAPES, checked
from pages import contents_in

BARS = 6 * 1440
BEGIN = 4 * 1440 - 240
"""Four hours before the fifth day: the candidates begun before and in it know other days."""


def at(minute):
    return utc_text(MONDAY_NS + minute * MINUTE_NS).replace(" ", "T")


@pytest.fixture
def begun(cli, small_config, tmp_path):
    """A run trained on a day and a half of six, and the command that trades 400 minutes."""
    bars = tmp_path / "bars.duckdb"
    with BarStore(bars) as store:
        store.write(walk_bars(BARS))
    vouch_for(bars)
    market = replace(small_config.market, end_utc=at(2160).replace("T", " "))
    (tmp_path / "run.toml").write_text(config_toml.dumps(replace(small_config, market=market)))
    options = ("--config", "run.toml", "--db", bars, "--set", "train.episodes=4")
    code, _, err = cli("train", "--run", "run", *options)
    assert code == 0, err
    return (
        *("paper", "start", "--model", "run", "--db", bars, "--run", "p", "--from", at(BEGIN)),
        *("--to", at(BEGIN + 400), "--retrain", "3h", "--simulations", "2"),
        *("--set", "retrain.judged_days=2"),
    )


def told(tmp_path, prefix):
    events = journal.read(tmp_path / "p" / "journal.jsonl")
    return [event for event in events if event["event"].startswith(prefix)]


@pytest.mark.slow
def test_a_better_candidate_takes_over_and_the_replay_equals_the_record(cli, begun, tmp_path):
    code, _, err = cli(*begun, "--set", "retrain.margin=-1000000")
    assert code == 0, err
    events = told(tmp_path, "candidate")
    assert [event["event"] for event in events] == ["candidate_began", "candidate_took_over"] * 2
    for line in (tmp_path / "p" / "journal.jsonl").read_bytes().splitlines():
        assert checked(line)["event"] in SHAPES, "watchers know it"
    taken = [event for event in events if event["event"] == "candidate_took_over"]
    assert taken[1]["beside"] == taken[0]["weights"], "the second is judged beside the first"
    minutes = [event["model"] for event in told(tmp_path, "minute")]
    first, second = (event["weights"][:16] for event in taken)
    assert (minutes.count(first), minutes.count(second)) == (180, 400 - 181 - 180)
    code, out, err = cli("paper", "parity", "p", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["exact"]
    assert found["decisions"]["recorded"] > 300
    code, out, _ = cli("paper", "report", "p", "--html", "page.html", "--json")
    assert json.loads(out)["models"] == {"the run": 181, "candidate 1": 180, "candidate 2": 39}
    page = contents_in((tmp_path / "page.html").read_text())
    assert "Minutes by model: the run 181, candidate 1 180, candidate 2 39." in page["about"]
    looked = [look for look in read_looks(tmp_path / "bars.duckdb.looks.jsonl") if look.run]
    assert sum(look.run.startswith("candidate-") for look in looked) == 2


@pytest.mark.slow
def test_a_candidate_that_is_not_better_changes_nothing(cli, begun, tmp_path):
    code, _, err = cli(*begun, "--set", "retrain.margin=1000000")
    assert code == 0, err
    ends = [event["event"] for event in told(tmp_path, "candidate")]
    assert ends == ["candidate_began", "candidate_refused"] * 2
    assert len({event["model"] for event in told(tmp_path, "minute")}) == 1
    code, out, _ = cli("paper", "parity", "p", "--json")
    assert json.loads(out)["exact"]


class Session:
    """`mlx-muzero paper start` in a process of its own."""

    def __init__(self, command, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "muzero_cli.main", *map(str, command)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._log = folder / "p" / "candidates" / "0001" / "log.txt"

    def once_told(self, text):
        """Wait until the candidate's log has `text`; return the number of its process."""
        until = time.monotonic() + 120
        while text not in (self._log.read_text() if self._log.exists() else ""):
            assert self.process.poll() is None, "the session ended"
            assert time.monotonic() < until, f"the log never said {text!r}"
            time.sleep(0.01)
        return int((self._log.parent / "lock").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["on bars until", "phase search", "the candidate model plays"])
def test_killed_at_any_stage_it_is_gone_on_with(cli, begun, tmp_path, stage):
    session = Session((*begun, "--set", "retrain.margin=-1000000"), tmp_path)
    child = session.once_told(stage)
    session.process.kill()
    session.process.wait()
    until = time.monotonic() + 30
    while is_running(child):
        assert time.monotonic() < until, "the candidate's process outlived the session"
        time.sleep(0.05)
    assert [event["event"] for event in told(tmp_path, "candidate")] == ["candidate_began"]
    code, _, err = cli("paper", "start", "--run", "p")
    assert code == 0, err
    events = [event["event"] for event in told(tmp_path, "candidate")]
    assert events == ["candidate_began", "candidate_took_over"] * 2
    code, out, err = cli("paper", "parity", "p", "--json")
    assert code == 0, err
    assert json.loads(out)["exact"]


@pytest.mark.slow
def test_what_took_over_goes_on_elsewhere(cli, begun, tmp_path):
    code, _, err = cli(*begun, "--set", "retrain.margin=-1000000")
    assert code == 0, err
    code, out, _ = cli("paper", "status", "p")
    (*_, last) = told(tmp_path, "candidate_took_over")
    assert f"model {last['weights'][:16]}" in out
    assert last["reason"] in out
    assert cli("paper", "backup", "p", "p.tar")[0] == 0
    code, _, err = cli("paper", "restore", "p.tar", "q")
    assert code == 0, err
    code, _, err = cli("paper", "start", "--run", "q")
    assert code == 0, err
    code, out, err = cli("paper", "parity", "q", "--json")
    assert (code, json.loads(out)["exact"]) == (0, True), err
    weights = next((tmp_path / "q" / "candidates" / "0002").rglob("weights.safetensors"))
    intact = weights.read_bytes()
    weights.write_bytes(intact[:-1] + bytes([intact[-1] ^ 1]))
    code, _, err = cli("paper", "start", "--run", "q")
    assert code == RunError.exit_code, "it does not play something else"
