"""The process screen: the log, what happened, and the machine, measured only while it is shown."""

import pytest

from mlx_muzero.runlog.journal import Journal
from mlx_muzero.training.run import BACKEND_SETTLED
from muzero_tui.app import MuZeroApp
from muzero_tui.screens.process_panels import Happened, System
from muzero_tui.widgets.log_pane import LogPane
from training_journals import training_run
from tui_pilots import app_of, drive, press


@pytest.mark.slow
def test_the_log_is_followed_and_cleaned(session):
    log = session.folder.with_name("paper.log")

    async def script(pilot):
        found = []
        for write in (None, "begun\n\x1b[2J[red]?\n", "minute\n", None):
            if write:
                with log.open("a") as file:
                    file.write(write)
            await press(pilot, "6")
            found.append(pilot.app.screen.query_one(LogPane).copied().splitlines())
        return found

    none, first, more, same = drive(app_of(session), script)
    assert "there is no paper.log" in none[0]
    assert first[0] == "begun"
    assert first[1].isprintable()
    assert more == same == [*first, "minute"]


@pytest.mark.slow
def test_the_logs_of_helpers_are_shown_too(session):
    session.folder.with_name("paper.log").write_text("minute\n")
    (session.folder / "watch.log").write_text("alarm\n")
    (session.folder / "auto-backend.log").write_text("measured\n")
    for number in (1, 2):
        candidate = session.folder / "candidates" / f"{number:04d}"
        candidate.mkdir(parents=True)
        (candidate / "log.txt").write_text(f"candidate {number}\n")

    async def script(pilot):
        await press(pilot, "6")
        found = []
        for _ in range(6):
            pane = pilot.app.screen.query_one(LogPane)
            found.append((str(pane.border_title), pane.copied()))
            await press(pilot, "v")
        return found

    assert drive(app_of(session), script) == [
        ("log 1 of 5: paper.log", "minute"),
        ("log 2 of 5: watch.log", "alarm"),
        ("log 3 of 5: auto-backend.log", "measured"),
        ("log 4 of 5: candidates/0002/log.txt", "candidate 2"),
        ("log 5 of 5: candidates/0001/log.txt", "candidate 1"),
        ("log 1 of 5: paper.log", "minute"),
    ]


@pytest.mark.slow
def test_a_log_stays_at_its_end_when_the_terminal_changes(session):
    log = session.folder.with_name("paper.log")
    log.write_text("".join(f"line {n}\n" for n in range(100)))

    async def script(pilot):
        ends = []
        await press(pilot, "6")
        for size in ((120, 36), (80, 24), (200, 60), (120, 30)):
            await pilot.resize_terminal(*size)
            await press(pilot)
            pane = pilot.app.screen.query_one(LogPane)
            ends.append(pane.is_vertical_scroll_end)
            pane.scroll_home(animate=False)
            await pilot.resize_terminal(size[0], size[1] + 1)
            await press(pilot)
            ends.append(pane.scroll_y == 0)
            pane.scroll_end(animate=False)
            await press(pilot)
        return ends

    assert all(drive(app_of(session), script))


def test_a_log_that_is_no_file_is_not_followed(session):
    session.folder.with_name("paper.log").symlink_to("/etc/passwd")

    async def script(pilot):
        await press(pilot, "6")
        return pilot.app.screen.query_one(LogPane).copied()

    assert "symbolic link" in drive(app_of(session), script)


def test_a_training_tells_what_happened(tmp_path):
    folder, clock = training_run(tmp_path / "training")
    journal = Journal(folder / "journal.jsonl", clock)
    journal.append(BACKEND_SETTLED, backend="native", root_backend="auto", leaves_per_s={})
    journal.append("diverged", reason="a loss of NaN")

    async def script(pilot):
        await press(pilot, "6")
        assert "native in float32" in pilot.app.screen.query_one(System).copied()
        assert not pilot.app.watched.index.unknown
        return pilot.app.screen.query_one(Happened).copied()

    told = drive(MuZeroApp(folder, clock=clock), script)
    assert "diverged: a loss of NaN" in told
    assert "backend settled: native" in told


@pytest.mark.slow
def test_nothing_is_measured_behind_another_screen(session, monkeypatch):
    stopped = []
    monkeypatch.setattr(
        "mlx_muzero.profiling.machine_load.LoadMeter.stop", lambda meter: stopped.append(meter)
    )

    async def script(pilot):
        await press(pilot, "6")
        assert not stopped
        await press(pilot, "1")
        return len(stopped)

    assert drive(app_of(session), script) == 1
