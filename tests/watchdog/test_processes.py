"""A real watch over a real session: killed, started again, updated, ended."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import mlx_muzero
from alert_places import place
from folders import ROOT
from markets import walk_bars
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.lock import lock_holder, locking_process

MINUTE_NS = 60_000_000_000
PATIENCE_S = 90.0


@pytest.fixture
def world(tmp_path, trained):
    """A session of a replay in real time, which its own process trades, and where alarms go."""
    with BarStore(tmp_path / "paper.duckdb") as store:
        store.write(walk_bars(240, 1, "USDJPY"))
    begin = utc_text(int(walk_bars(1).open_time_ns[0]) + 200 * MINUTE_NS).replace(" ", "T")
    with place() as there, Processes(tmp_path, there) as processes:
        processes.begin = (
            "paper", "start", "--model", trained, "--pairs", "USDJPY", "--db",
            tmp_path / "paper.duckdb", "--from", begin, "--speed", "1", "--run", "p",
            "--set", "alerts.to=webhook", "--set", "alerts.on=fault",
        )  # fmt: skip
        yield processes


class Processes:
    """Commands in processes of their own, ended with the test, and the session they trade."""

    def __init__(self, folder, there):
        self.folder, self.run, self.there = folder, folder / "p", there
        self.environment = os.environ | {"MLX_MUZERO_WEBHOOK_URL": there.url}
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
            process.wait()
        for name in ("watch.lock", "lock"):
            if (pid := lock_holder(self.run / name)) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def command(self, *arguments):
        with (self.folder / "out").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "muzero_cli.main", *map(str, arguments)],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=out,
            )
        self.started.append(process)
        return process

    def until(self, true, what):
        end_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end_s, (what, (self.folder / "out").read_text()[-2000:])
            time.sleep(0.1)

    def until_begun(self, beginnings):
        def begun():
            path = self.run / "journal.jsonl"
            events = list(journal.read(path)) if path.exists() else []
            return sum(e["event"] == "paper_started" for e in events) >= beginnings

        self.until(begun, f"session {beginnings} begins")
        return locking_process(self.run / "lock")

    @property
    def told(self):
        return [alert["what"] for got in self.there.got for alert in got.json["alerts"]]


@pytest.mark.slow
def test_a_killed_session_is_told_and_trades_again_and_a_stopped_one_is_left_alone(world):
    world.command(*world.begin)
    pid = world.until_begun(1)
    watch = world.command("paper", "watch", "p", "--restart", "2")
    world.until(lambda: (world.run / "watch.json").exists(), "the watch looks")
    killed_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    world.until(lambda: any("died" in what for what in world.told), "the alarm")
    alarmed_s = time.monotonic() - killed_s
    again = world.until_begun(2)
    trading_s = time.monotonic() - killed_s
    print(f"from SIGKILL to the alarm {alarmed_s:.1f} s, to trading again {trading_s:.1f} s")
    assert alarmed_s < 90.0
    assert again != pid
    second = subprocess.run(
        [sys.executable, "-m", "muzero_cli.main", "paper", "watch", "p", "--restart", "1"],
        cwd=world.folder, env=world.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (second.returncode, "already watched by process" in second.stderr) == (5, True)
    assert world.command("paper", "stop", "p").wait(PATIENCE_S) == 0
    log = world.run / "watch.log"
    world.until(lambda: "it was stopped by command" in log.read_text(), "the watch rests")
    time.sleep(6.0)
    assert lock_holder(world.run / "lock") is None
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(PATIENCE_S) == 0
    assert log.read_text().splitlines()[-1].endswith("the watch ends; the session is as it was")
    assert "webhook" not in (world.folder / "out").read_text()


@pytest.mark.slow
def test_an_updated_watch_begins_again_as_the_same_process(tmp_path):
    run = tmp_path / "p"
    run.mkdir()
    (run / "paper.toml").write_text(paper_settings.dumps(PaperSettings(pairs={"EURJPY": "E"})))
    own = journal.Journal(run / "journal.jsonl")
    own.append("paper_started", seq=1, pairs=["EURJPY"])
    own.append("stopped", seq=2, by="command")
    program = ROOT / "tests" / "helpers" / "updated_watch.py"
    watch = subprocess.Popen(
        [sys.executable, program, tmp_path / "mark", "paper", "watch", run, "--restart", "1"],
        stderr=subprocess.DEVNULL,
    )
    try:
        log, end_s = run / "watch.log", time.monotonic() + PATIENCE_S
        while not log.exists() or log.read_text().count(f" watches {run}\n") < 2:
            assert time.monotonic() < end_s
            time.sleep(0.1)
        assert f"updated from 0.0.1 to {mlx_muzero.__version__}: the watch" in log.read_text()
        assert lock_holder(run / "watch.lock") == watch.pid
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(PATIENCE_S) == 0
    finally:
        watch.kill()
        watch.wait()
