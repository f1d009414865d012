"""A watch over a session's journal, in simulated time: bounds, memory, reboots, updates."""

import os
from types import SimpleNamespace

import pytest

from alert_places import Recorded
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.runlog.lock import locked
from mlx_muzero.watchdog import version
from mlx_muzero.watchdog.log import WatchLog
from mlx_muzero.watchdog.watcher import Watcher

WALL_S = 1_772_000_000.0


class World:
    """A run's folder, a clock, and processes that exist as far as the watch can see."""

    def __init__(self, run):
        run.mkdir(exist_ok=True)
        self.run, self.now_s, self.boot, self.disk = run, 0.0, "b1", "0.2.0"
        (run / "paper.toml").write_text(paper_settings.dumps(PaperSettings(pairs={"EURJPY": "E"})))
        self.journal = Journal(run / "journal.jsonl")
        self.said, self.place, self.children, self.seq = [], Recorded(), [], 0

    def tell(self, event, **facts):
        self.seq += 1
        self.journal.append(event, seq=self.seq, **facts)

    def begun(self, pid=7):
        self.tell("paper_started", pid=pid, pulse_s=30.0, pairs=["EURJPY"], version="0.2.0")

    def start(self):
        child = SimpleNamespace(pid=1000 + len(self.children), code=None)
        child.poll = lambda: child.code
        self.children.append(child)
        return child

    def watch(self, restarts=3):
        return Watcher(
            self.run, [self.place], self.start, restarts, self.said.append,
            lambda: self.now_s, lambda: WALL_S + self.now_s, lambda: self.boot, lambda: self.disk,
        )  # fmt: skip

    def pass_time(self, watcher, seconds, step_s=2.0):
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            watcher.once()

    @property
    def told(self):
        return [alert for message in self.place.got for alert in message.alerts]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "p")


def test_from_a_kill_to_the_alarm_and_the_start_in_seconds(world):
    world.begun()
    watcher = world.watch()
    world.pass_time(watcher, 10.0)
    assert [alert.what for alert in world.told] == [
        "the session died: its process ended without a word",
        "the session is started again (1 of 3 within an hour): its process ended without a word",
    ]
    assert world.told[0].urgent
    assert world.told[0].answer == f"mlx-muzero paper start --run {world.run}"
    assert len(world.children) == 1


def test_starts_are_bounded_by_the_hour_and_the_reason_is_told(world):
    world.begun()
    watcher = world.watch(restarts=2)
    for _ in range(400):
        world.pass_time(watcher, 2.0)
        if world.children:
            world.children[-1].code = 1
    assert len(world.children) == 2
    reasons = [line for line in world.said if "not started again" in line]
    assert len(reasons) == 1
    assert reasons[0].endswith("it was started 2 times within the hour, and may be no more")
    world.pass_time(watcher, 3600.0, step_s=10.0)
    assert len(world.children) == 3
    assert world.told[-1].what.endswith("(2 of 2 within an hour): it ended with exit code 1")


def test_a_watch_that_is_restarted_remembers_the_bound(world):
    world.begun()
    world.pass_time(world.watch(restarts=1), 10.0)
    world.pass_time(world.watch(restarts=1), 60.0)
    assert len(world.children) == 1


def test_a_refusal_is_told_and_not_tried_again(world):
    world.begun()
    watcher = world.watch()
    world.pass_time(watcher, 6.0)
    world.children[0].code = 10
    world.pass_time(watcher, 120.0)
    assert len(world.children) == 1
    assert (
        world.told[-1].what == "the session is not started again: it was refused with exit code 10"
    )


def test_a_refusal_of_its_own_start_does_not_count_against_who_traded_meanwhile(world):
    """A user was faster: the start of the watch was refused since the session traded already."""
    world.begun()
    watcher = world.watch()
    world.pass_time(watcher, 6.0)
    with locked(world.run / "lock"):
        world.begun(pid=os.getpid())
        world.children[0].code = 5
        world.pass_time(watcher, 6.0)
    world.pass_time(watcher, 20.0)
    assert len(world.children) == 2


@pytest.mark.parametrize("by", ["command", "SIGINT", "SIGTERM"])
def test_what_was_stopped_rests(world, by):
    world.begun()
    world.tell("stopped", reason="asked to stop", by=by)
    world.pass_time(world.watch(), 60.0)
    assert (world.children, world.told) == ([], [])
    assert len(world.said) == 1
    assert world.said[0].startswith(f"the session rests: it was stopped by {by};")


def test_a_halted_session_is_not_started_again(world):
    world.begun()
    world.tell("command", name="halt", consequence="nothing is traded")
    world.pass_time(world.watch(), 60.0)
    assert world.children == []
    assert world.told[-1].what == "the session is not started again: a user halted it"


def test_after_a_reboot_a_session_that_the_system_stopped_is_started(world):
    world.begun()
    watcher = world.watch()
    child = world.start()
    watcher._child = child  # runs while it is watched
    world.pass_time(watcher, 4.0)
    child.code = 130
    world.tell("stopped", reason="asked to stop", by="SIGTERM")
    world.pass_time(watcher, 10.0)
    assert len(world.children) == 1
    world.boot = "b2"
    world.pass_time(world.watch(), 10.0)
    assert len(world.children) == 2
    assert "the machine was restarted" in world.told[-1].what


def test_an_update_counts_once_it_is_whole(world):
    world.begun()
    watcher = world.watch()
    world.pass_time(watcher, 31.0)
    assert watcher.updated == ""
    for disk in ("", "0.9.0"):  # pip is in the middle of it; then it is there, for the first time
        world.disk = disk
        world.now_s += 31.0
        assert watcher.updated == ""
    world.now_s += 31.0
    assert watcher.updated == "0.9.0"
    watcher.tell_update("0.9.0")
    assert world.told[-1].what == "mlx-muzero was updated to 0.9.0; the session goes on with 0.2.0"
    assert world.told[-1].answer == f"mlx-muzero paper stop {world.run}"


@pytest.mark.parametrize("text", ["", "{}", '{"boot": 3}', "\x00"])
def test_a_damaged_memory_is_told_and_begun_anew(world, text):
    (world.run / "watch.json").write_text(text)
    world.begun()
    world.pass_time(world.watch(), 10.0)
    assert "the watch begins anew" in world.said[0]
    assert len(world.children) == 1


def test_the_log_keeps_what_was_said_and_does_not_grow_for_ever(tmp_path):
    said = []
    log = WatchLog(tmp_path, said.append)
    log.say("one\ntwo\x1b[2J")
    assert said == ["one\ntwo\x1b[2J"]
    (line,) = (tmp_path / "watch.log").read_text().splitlines()
    assert line.endswith("+00:00 one two\N{REPLACEMENT CHARACTER}")
    with (tmp_path / "watch.log").open("a") as file:
        file.write("x" * 1_000_001 + "\n")
    log.say("three")
    assert (tmp_path / "watch.log").read_text().endswith("three\n")
    assert (tmp_path / "watch.log").stat().st_size < 100


def test_the_installed_version_is_that_of_the_disk(tmp_path, monkeypatch):
    import mlx_muzero

    assert version.installed_version() == mlx_muzero.__version__
    assert version.boot_id() == version.boot_id() != ""
    changed = tmp_path / "__init__.py"
    monkeypatch.setattr(mlx_muzero, "__file__", str(changed))
    assert version.installed_version() == ""
    changed.write_text('"""x"""\n\n__version__ = "9.1.0"\n')
    assert version.installed_version() == "9.1.0"
    monkeypatch.setattr(version, "_LINUX", tmp_path / "none")
    monkeypatch.setattr(version, "_MAC", ("/bin/echo", "AB-CD"))
    assert version.boot_id() == "AB-CD"
    monkeypatch.setattr(version, "_MAC", ("/no/such",))
    assert version.boot_id() == ""
