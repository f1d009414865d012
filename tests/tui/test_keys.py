"""What keys do, and where they are explained."""

import os

import pytest

from examples import cases
from mlx_muzero.errors import ConfigError
from muzero_tui.app import MuZeroApp
from muzero_tui.screens.help import HelpScreen
from muzero_tui.themes import CYCLE
from muzero_tui.widgets.hints import Hints
from muzero_tui.widgets.tables import LiveTable
from training_journals import training_run
from tui_pilots import app_of, drive, press, presses


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_filter_keeps_what_it_names_until_escape(session):
    async def script(pilot):
        table, found = pilot.app.screen.query_one("#pairs", LiveTable), []
        for keys in (["slash", *"doge"], ["enter"], ["escape"]):
            await press(pilot, *keys)
            found.append(table.row_count)
        return found

    assert drive(app_of(session), script) == [1, 1, 8]


@pytest.mark.slow
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
        "/ Filter z Maximize space Pause ,.;: Move r Replay t Theme x SVG c Copy j Jump "
        "? Help q Quit"
    )
    assert screen is HelpScreen


UNHINTED = {"back", "pixels"}
"""Keys of what is open, and one that the help of charts and the command palette tell."""


@pytest.mark.slow
@pytest.mark.parametrize("screen", cases(2, "341256"))
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
                if not binding.id or binding.id in UNHINTED or binding.id.startswith("screen."):
                    continue  # in the banner
                words = binding.group.description if binding.group else binding.description
                if not any(words in line for line in lines):
                    unseen.append(binding.id)
                keys = pilot.app.get_key_display(binding)
                assert any(keys in line for line in lines)
        return unseen

    assert drive(app_of(session), script, size=(80, 24)) == []


@pytest.mark.slow
def test_a_panel_is_maximized_and_put_back(session):
    async def script(pilot):
        found = []
        for key in ("tab", "z", "z", "z", "escape"):
            await pilot.press(key)
            found.append(pilot.app.screen.maximized is not None)
        return found

    assert drive(app_of(session), script) == [False, True, False, True, False]


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
