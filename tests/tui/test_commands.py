"""Commands to a running session: asked twice, refused where they make no sense, never a crash."""

from pathlib import Path

import pytest
from textual.events import Key

from mlx_muzero.paper.mode import CONSEQUENCES
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog.control import ControlServer
from muzero_tui.screens.confirm import KEYS, ConfirmScreen
from muzero_tui.screens.help import HelpScreen
from tui_pilots import app_of, drive, lives, press


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_no_toast_lies_over_a_question(session):
    async def script(pilot):
        app = pilot.app
        await press(pilot, "c", "c", "h")
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


@pytest.mark.slow
def test_a_command_nobody_takes_is_an_error_not_a_crash(session):
    async def script(pilot):
        await pilot.press("h", "h")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        return next(iter(pilot.app._notifications)).message

    with lives(session.folder):
        assert "no running process takes commands" in drive(app_of(session), script)
