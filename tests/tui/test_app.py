"""The terminal application: every key, what it says of dead and silent runs, and commands."""

import asyncio
import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.events import Key

from mlx_muzero.errors import ConfigError
from mlx_muzero.paper.mode import CONSEQUENCES
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog.control import ControlServer
from mlx_muzero.runlog.journal import Journal
from muzero_tui.app import MuZeroApp
from muzero_tui.screens.catalog import binding_ids
from muzero_tui.screens.confirm import KEYS, ConfirmScreen
from muzero_tui.screens.help import HelpScreen
from muzero_tui.themes import CYCLE
from muzero_tui.widgets.banner import Banner
from muzero_tui.widgets.hints import Hints
from muzero_tui.widgets.panel import Panel, PlotPanel
from muzero_tui.widgets.search_tree import SearchTree
from muzero_tui.widgets.tables import LiveTable
from paper_journals import START_NS, Session, append_decision
from training_journals import training_run
from tui_pilots import opened, press

SIZE = (120, 36)


@pytest.fixture
def session(tmp_path):
    """See `made_session`."""
    return made_session(tmp_path / "runs" / "paper")


def made_session(folder):
    """Forty minutes of paper trading, the last five decisions recorded."""
    made = Session(folder)
    for minute in range(40):
        made.minute()
        if minute >= 35:
            made.decide()
    return made


@contextmanager
def lives(folder: Path):
    """The run is held, as by a process."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def drive(app, script, size=SIZE, **options):
    """Runs `script(pilot)` once the run is opened."""

    async def main():
        async with app.run_test(size=size, **options) as pilot:
            await opened(pilot)
            return await script(pilot)

    return asyncio.run(main())


def presses(*keys, then=lambda app: None):
    async def script(pilot):
        await press(pilot, *keys)
        return then(pilot.app)

    return script


def app_of(session, **options):
    return MuZeroApp(session.folder, clock=session.clock, **options)


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """What is found on a walk through the five screens, and whether it left traces in the run."""
    session = made_session(tmp_path_factory.mktemp("tour") / "paper")
    found = SimpleNamespace(modes=[], silent=set(), commands=set())

    async def script(pilot):
        app = pilot.app
        for key in "12345":
            await press(pilot, key)
            found.modes.append(app.current_mode)
            for widget in app.screen.focus_chain:
                if isinstance(widget, Panel | LiveTable | SearchTree) and not widget.HELP:
                    found.silent.add(type(widget).__name__)
            for command in app.get_system_commands(app.screen):
                found.commands.add(command.title.rpartition("(")[2].rstrip(")"))
        await pilot.press("r", "l", "q")

    def times():
        return {path: path.stat().st_mtime_ns for path in session.folder.rglob("*")}

    before = times()
    drive(app_of(session), script)
    found.written = times() != before
    return found


def test_digits_go_to_screens(tour):
    assert tour.modes == ["runs", "train", "live", "tree", "profile"]


def test_every_widget_that_takes_the_focus_explains_itself(tour):
    assert tour.silent == set()


def test_every_named_key_is_in_the_palette_or_on_a_modal(tour):
    """And ids are unique, so that a keymap can name them."""
    modal = {"confirm.yes", "confirm.no", "help.close", "quit", "tree.fold", "tree.unfold"}
    assert binding_ids(MuZeroApp) - modal <= tour.commands


def test_looking_writes_nothing_into_the_run(tour):
    assert not tour.written


def test_a_run_opens_where_it_belongs(session, tmp_path):
    assert drive(app_of(session), presses(then=lambda app: app.current_mode)) == "live"
    folder, clock = training_run(tmp_path / "training")
    app = MuZeroApp(folder, clock=clock)
    assert drive(app, presses(then=lambda app: app.current_mode)) == "train"


def test_a_run_is_chosen_by_enter(session, tmp_path):
    app = MuZeroApp(tmp_path / "runs", clock=session.clock)

    async def script(pilot):
        assert app.current_mode == "runs"
        await pilot.pause(0.3)
        await pilot.press("enter")
        await opened(pilot)
        return app.watched.folder.name, app.current_mode

    assert drive(app, script) == ("paper", "live")


def test_a_moment_is_kept_and_moved(session):
    app = app_of(session)

    async def moment(pilot, *keys):
        for key in keys:
            await pilot.press(key)
        playback = app.watched.playback
        return playback.mode, playback.position / len(app.watched.index), app.watched.state.time

    async def script(pilot):
        assert (await moment(pilot, "space"))[0] == "paused"
        assert (await moment(pilot, "space"))[0] == "live"
        mode, back, at = await moment(pilot, "semicolon", "comma")
        assert mode == "paused"
        assert 0.85 < back < 0.9
        _, further, later = await moment(pilot, "full_stop", "full_stop")
        assert further > back
        assert later > at
        assert (await moment(pilot, "semicolon", "semicolon", "colon"))[1] < further
        assert (await moment(pilot, "l"))[:2] == ("live", 1.0)

    drive(app, script)


def test_replay_begins_at_the_beginning_and_changes_speed(session):
    def replay(app):
        return app.watched.playback.mode, app.watched.playback.speed

    keys = ("r", "right_curly_bracket", "right_curly_bracket", "left_curly_bracket")
    assert drive(app_of(session), presses(*keys, then=replay)) == ("replay", 300.0)


def test_themes_go_around(session):
    app = app_of(session)
    assert drive(app, presses(*"t" * len(CYCLE), then=lambda app: app.theme)) == CYCLE[0]


def test_help_explains_the_focused_widget_and_closes(session):
    async def script(pilot):
        await pilot.press("question_mark")
        assert "One row per pair" in pilot.app.screen._words
        await pilot.press("escape")
        return type(pilot.app.screen)

    assert drive(app_of(session), script) is not HelpScreen


def test_a_copy_goes_to_the_clipboard(session):
    copied = drive(app_of(session), presses("c", then=lambda app: app.clipboard))
    assert copied.splitlines()[0].startswith("pair\tstate")
    assert "BTC/USDT" in copied


def test_a_screenshot_is_delivered(session, monkeypatch):
    taken = []
    monkeypatch.setattr(MuZeroApp, "deliver_screenshot", lambda *a, **k: taken.append(1))
    drive(app_of(session), presses("x"))
    assert taken == [1]


def test_the_filter_keeps_what_it_names_until_escape(session):
    async def script(pilot):
        table, found = pilot.app.screen.query_one("#pairs", LiveTable), []
        for keys in (["slash", *"doge"], ["enter"], ["escape"]):
            await press(pilot, *keys)
            found.append(table.row_count)
        return found

    assert drive(app_of(session), script) == [1, 1, 8]


def test_an_empty_filter_is_none(session):
    async def script(pilot):
        found = []
        for keys in (["slash", "d", "enter"], ["slash", "backspace", "enter"]):
            await press(pilot, *keys)
            found.append(len(pilot.app.screen.query("#filter")))
        return found

    assert drive(app_of(session), script) == [1, 0]


def test_hints_are_of_the_focused_widget_and_can_be_clicked(tmp_path):
    folder, clock = training_run(tmp_path / "training")

    async def script(pilot):
        hints = pilot.app.screen.query_one(Hints)
        found = [hints.copied()]
        await press(pilot, *["tab"] * 2)
        found.append(hints.copied())
        await pilot.click(Hints, offset=(found[-1].index("Help"), 0))
        found.append(type(pilot.app.screen))
        return found

    at_plot, at_progress, screen = drive(MuZeroApp(folder, clock=clock), script)
    assert at_plot == f"+- Zoom ←→ Pan v Next curve {at_progress}"
    assert at_progress == (
        "/ Filter z Maximize space Pause ,.;: Move r Replay t Theme x SVG c Copy ? Help q Quit"
    )
    assert screen is HelpScreen


@pytest.mark.parametrize("screen", "12345")
def test_every_action_is_to_be_seen_on_a_small_terminal(session, screen):
    """Those that do nothing while the end is followed as well, at a past moment."""

    async def script(pilot):
        await press(pilot, screen, "comma")
        unseen = []
        for _ in range(len(pilot.app.screen.focus_chain)):
            await press(pilot, "tab")
            hints = pilot.app.screen.query_one(Hints)
            lines = hints.copied().splitlines()
            assert len(lines) <= hints.size.height
            assert all(len(line) <= 80 for line in lines)
            for active in pilot.app.screen.active_bindings.values():
                binding = active.binding
                if not binding.id or binding.id == "back" or binding.id.startswith("screen."):
                    continue  # in the banner, or of what is open
                words = binding.group.description if binding.group else binding.description
                if not any(words in line for line in lines):
                    unseen.append(binding.id)
                keys = pilot.app.get_key_display(binding)
                assert any(keys in line for line in lines)
        return unseen

    assert drive(app_of(session), script, size=(80, 24)) == []


def test_a_panel_is_maximized_and_put_back(session):
    async def script(pilot):
        found = []
        for key in ("tab", "z", "z", "z", "escape"):
            await pilot.press(key)
            found.append(pilot.app.screen.maximized is not None)
        return found

    assert drive(app_of(session), script) == [False, True, False, True, False]


def test_curves_are_zoomed_moved_and_changed(tmp_path):
    folder, clock = training_run(tmp_path / "training")

    def plot(app):
        panel = app.screen.query(PlotPanel).first()
        return panel.view.zoom, round(panel.view.end, 3), panel.curve

    async def script(pilot):
        await pilot.press("plus", "plus", "left")
        assert plot(pilot.app) == (4.0, 0.875, "total")
        await pilot.press("right", "right", "minus", "v")
        assert plot(pilot.app) == (2.0, 1.0, "policy")

    drive(MuZeroApp(folder, clock=clock), script)


def test_decisions_are_stepped_through_and_folded(session):
    def tree(app):
        table = app.screen.query_one("#decision-list", LiveTable)
        return table.cursor_row, app.screen.query_one(SearchTree).least

    async def script(pilot):
        await press(pilot, "4")
        await pilot.press("n", "n", "b")
        assert tree(pilot.app) == (1, 0.02)
        await pilot.press("tab", "greater_than_sign", "greater_than_sign", "less_than_sign")
        assert tree(pilot.app) == (1, 0.05)
        table = pilot.app.screen.query_one("#decision-list", LiveTable)
        await pilot.press("left_square_bracket")
        assert table.row_count == 1
        await pilot.press("right_square_bracket")
        assert table.row_count == 5

    append_decision(session.folder / "decisions", "BTC/USDT", START_NS - 86_400 * 10**9)
    drive(app_of(session), script)


def test_enter_on_a_pair_shows_its_tree(session):
    async def script(pilot):
        await press(pilot, "enter")
        table = pilot.app.screen.query_one("#decision-list", LiveTable)
        assert (pilot.app.current_mode, table.row_count) == ("tree", 5)
        await press(pilot, "3", "down", "enter")
        assert table.row_count == 0, "no decision of that pair is recorded"

    drive(app_of(session), script)


def test_a_command_needs_a_second_key(session):
    given = []

    def do(request):
        given.append(request.command)
        return "done as told"

    server = ControlServer(session.folder / "control.sock", dict.fromkeys(KEYS, do), Supervisor())

    async def script(pilot):
        app = pilot.app
        await pilot.press("f", "escape")
        await app.workers.wait_for_complete()
        assert given == []
        for keys in ("ff", "sy", "hh", "gg"):
            await pilot.press(keys[0])
            assert "Open positions now:" in app.screen._text
            assert CONSEQUENCES[app.screen._command][1:] in app.screen._text
            await pilot.press(keys[1])
            await app.workers.wait_for_complete()
        await pilot.pause()
        return {notice.message for notice in app._notifications}

    with lives(session.folder), server:
        assert drive(app_of(session), script) == {"done as told"}
    assert given == ["flatten", "stop-entries", "halt", "resume"]


def test_commands_are_refused_where_they_make_no_sense(session):
    app = app_of(session)

    async def refusal(pilot, *keys):
        app.clear_notifications()
        await press(pilot, *keys)
        assert not isinstance(app.screen, ConfirmScreen)
        return next(iter(app._notifications)).message

    async def script(pilot):
        assert "no process is running this session" in await refusal(pilot, "h")
        with lives(session.folder):
            app.poll()
            assert "past moment" in await refusal(pilot, "comma", "h")
            app.read_only = True
            assert "read-only" in await refusal(pilot, "l", "h")

    drive(app, script)


def test_no_toast_lies_over_a_question(session):
    async def script(pilot):
        app = pilot.app
        await press(pilot, "c", "h")
        app.notify("news [/bold]", timeout=60)
        await pilot.pause(0.2)
        assert isinstance(app.screen, ConfirmScreen)
        toasts = list(app.screen.query("Toast"))
        assert len(toasts) == 1, "of the copy just made"
        assert not any(toast.visible for toast in toasts)
        before = {notice.message for notice in app._notifications}
        await press(pilot, "escape")
        return before, {notice.message for notice in app._notifications}

    with lives(session.folder):
        before, after = drive(app_of(session), script, notifications=True)
    assert "news [/bold]" not in before
    assert after - before == {"news [/bold]"}


def test_keys_while_it_quits_do_nothing(session):
    """Also those that would give a command, or answer the question whether it is meant."""
    app = app_of(session)

    async def script(pilot):
        await press(pilot, "h")
        question = app.screen
        app.exit()
        question.on_key(Key("h", "h"))
        for key in "qhfsg?/x12345tczr":
            app.simulate_key(key)
        await pilot.pause()
        return [type(screen) for screen in app.screen_stack]

    with lives(session.folder):
        shown = drive(app, script)
    assert shown.count(ConfirmScreen) <= 1
    assert HelpScreen not in shown
    assert not app._notifications
    assert not list(Path.cwd().glob("mlx-muzero-*.svg"))


def test_a_screenshot_goes_where_it_says(session, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    async def script(pilot):
        await press(pilot, "x", "x")
        return [notice.message for notice in pilot.app._notifications]

    first, second = drive(app_of(session), script)
    (file,) = tmp_path.glob("*.svg")
    assert first == f"saved {file}"
    assert "<svg" in file.read_text()
    assert second == f"{file} cannot be written: File exists"


def test_a_command_nobody_takes_is_an_error_not_a_crash(session):
    async def script(pilot):
        await pilot.press("h", "h")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        return next(iter(pilot.app._notifications)).message

    with lives(session.folder):
        assert "no running process takes commands" in drive(app_of(session), script)


def test_the_banner_says_when_the_process_dies_and_returns(session, monkeypatch):
    monkeypatch.setattr("muzero_tui.app.POLL_S", 0.02)
    monkeypatch.setattr("muzero_tui.app.AGES_S", 0.05)
    app = app_of(session)

    def banner():
        return app.screen.query_one(Banner).render().plain

    async def script(pilot):
        with lives(session.folder):
            await pilot.pause(0.2)
            assert "● running" in banner()
        await pilot.pause(0.2)
        assert "○ disconnected" in banner()
        with lives(session.folder):
            session.minute()
            await pilot.pause(0.2)
            assert "● running" in banner()
            session.now_ns += 600 * 10**9
            await pilot.pause(0.3)
            assert "◌ stale" in banner()

    drive(app, script)


def test_new_events_appear_by_themselves(session):
    app = app_of(session)

    async def script(pilot):
        before = app.watched.state.minute["close_ns"]
        session.minute()
        await pilot.pause(0.6)
        return app.watched.state.minute["close_ns"] - before

    assert drive(app, script) == 60 * 10**9


def test_keys_are_remapped_by_id(session, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "mlx_muzero").mkdir()
    keys = tmp_path / "mlx_muzero" / "keys.toml"
    keys.write_text('"moment.pause" = "p"\n')
    assert drive(app_of(session), presses("p", then=lambda a: a.watched.playback.mode)) == "paused"
    keys.write_text('moment.pause = "p"\n\n"moment.paus" = "p"\n[screen]\nlive = 3\n')
    with pytest.raises(ConfigError) as refused:
        app_of(session)
    assert str(refused.value).splitlines() == [
        f"{keys}:3: moment.paus: no such id; did you mean moment.pause?",
        f'{keys}:5: screen.live: expected keys such as "j" or "j,down", got 3',
    ]
    kept = keys.rename(tmp_path / "dotfiles.toml")
    kept.write_text('"moment.pause" = "p"\n')
    keys.symlink_to(kept)
    assert app_of(session), "many keep such files behind a link"
    for spoil in (
        lambda: keys.write_text("a = " + "[" * 100_000),
        lambda: os.mkfifo(keys),
        lambda: keys.symlink_to("/dev/zero"),
        lambda: keys.write_bytes(b"\xff"),
    ):
        keys.unlink(missing_ok=True)
        spoil()
        with pytest.raises(ConfigError, match=r"keys\.toml"):
            app_of(session)


def test_a_run_that_does_not_exist_yet_is_waited_for(tmp_path):
    app = MuZeroApp(tmp_path / "none")

    async def script(pilot):
        await pilot.pause(0.3)
        return app.screen.query_one("#no-runs").render().plain

    assert "no data: no runs in" in drive(app, script)


def test_a_journal_of_nothing_is_no_crash_on_any_screen(tmp_path):
    for name in ("config.toml", "paper.toml"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).touch()
        Journal(folder / "journal.jsonl")
        drive(MuZeroApp(folder), presses("1", "2", "3", "4", "5"), (40, 10))
