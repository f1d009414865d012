"""The terminal application: screens, moments and trees, and what it says of dead or silent runs."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from textual.widgets import OptionList

from mlx_muzero.runlog.journal import Journal
from muzero_tui.app import MuZeroApp
from muzero_tui.screens.catalog import binding_ids
from muzero_tui.widgets.banner import Banner
from muzero_tui.widgets.log_pane import LogPane
from muzero_tui.widgets.panel import Panel, PlotPanel
from muzero_tui.widgets.search_tree import SearchTree
from muzero_tui.widgets.tables import LiveTable
from paper_journals import START_NS, append_decision
from training_journals import training_run
from tui_pilots import app_of, drive, lives, made_session, opened, press, presses


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """What is found on a walk through the six screens, and whether it left traces in the run."""
    session = made_session(tmp_path_factory.mktemp("tour") / "paper")
    found = SimpleNamespace(modes=[], silent=set(), commands=set())

    async def script(pilot):
        app = pilot.app
        for key in "123456":
            await press(pilot, key)
            found.modes.append(app.current_mode)
            for widget in app.screen.focus_chain:
                if isinstance(widget, Panel | LiveTable | LogPane | SearchTree) and not widget.HELP:
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
    assert tour.modes == ["runs", "train", "live", "tree", "profile", "process"]


def test_every_widget_that_takes_the_focus_explains_itself(tour):
    assert tour.silent == set()


def test_every_named_key_is_in_the_palette_or_on_a_modal(tour):
    """And ids are unique, so that a keymap can name them."""
    modal = {"confirm.yes", "confirm.no", "help.close", "copy.choose", "copy.leave", "jump.stay"}
    modal |= {"quit", "tree.fold", "tree.unfold"}
    assert binding_ids(MuZeroApp) - modal <= tour.commands


def test_looking_writes_nothing_into_the_run(tour):
    assert not tour.written


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_replay_begins_at_the_beginning_and_changes_speed(session):
    def replay(app):
        return app.watched.playback.mode, app.watched.playback.speed

    keys = ("r", "right_curly_bracket", "right_curly_bracket", "left_curly_bracket")
    assert drive(app_of(session), presses(*keys, then=replay)) == ("replay", 300.0)


def test_a_copy_goes_to_the_clipboard(session):
    copied = drive(app_of(session), presses("c", "c", then=lambda app: app.clipboard))
    assert copied.splitlines()[0].startswith("pair\tstate")
    assert "BTC/USDT" in copied


@pytest.mark.slow
def test_what_is_copied_is_chosen_from_a_menu(session):
    app = app_of(session)

    async def script(pilot):
        texts = {}
        for down in range(5):
            await press(pilot, "c", *["down"] * down)
            menu = app.screen.query_one(OptionList)
            name = menu.get_option_at_index(menu.highlighted).id
            await press(pilot, "enter")
            texts[name] = app.clipboard
        await press(pilot, "c", "down", "escape")
        return texts

    texts = drive(app, script)
    whole, row, command, path, moment = texts.values()
    assert row in whole.splitlines()[1:]
    assert command == f"mlx-muzero tui {session.folder}"
    assert path == str(session.folder)
    assert datetime.fromisoformat(moment).utcoffset() == timedelta()
    assert app.clipboard == moment, "who leaves the menu copies nothing"


@pytest.mark.slow
def test_a_letter_focuses_a_panel(session):
    app = app_of(session)

    async def script(pilot):
        reached = []
        for letter in "ad":
            await press(pilot, "j", letter)
            reached.append(app.screen.focused)
        await press(pilot, "j", "escape", "j", "0")
        return reached, app.screen.focus_chain, app.screen.focused

    reached, chain, at_last = drive(app, script)
    assert reached == [chain[0], chain[2]]
    assert at_last is reached[-1], "another key moves nothing"


def test_a_screenshot_is_delivered(session, monkeypatch):
    taken = []
    monkeypatch.setattr(MuZeroApp, "deliver_screenshot", lambda *a, **k: taken.append(1))
    drive(app_of(session), presses("x"))
    assert taken == [1]


def test_curves_are_zoomed_moved_and_changed(tmp_path):
    folder, clock = training_run(tmp_path / "training")

    def plot(app):
        panel = app.screen.query(PlotPanel).first()
        return panel.view.zoom, round(panel.view.end, 3), panel.curve

    async def script(pilot):
        await pilot.press("plus", "plus", "left")
        assert plot(pilot.app) == (4.0, 0.875, "loss: total")
        await pilot.press("right", "right", "minus", "v")
        assert plot(pilot.app) == (2.0, 1.0, "loss: policy")

    drive(MuZeroApp(folder, clock=clock), script)


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_run_that_does_not_exist_yet_is_waited_for(tmp_path):
    app = MuZeroApp(tmp_path / "none")

    async def script(pilot):
        await pilot.pause(0.3)
        return app.screen.query_one("#no-runs").render().plain

    assert "no data: no runs in" in drive(app, script)


@pytest.mark.slow
def test_a_journal_of_nothing_is_no_crash_on_any_screen(tmp_path):
    for name in ("config.toml", "paper.toml"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).touch()
        Journal(folder / "journal.jsonl")
        drive(MuZeroApp(folder), presses("1", "2", "3", "4", "5"), (40, 10))


def test_a_run_that_learns_from_bars_waits_for_no_rounds(tmp_path):
    folder = tmp_path / "factored"
    folder.mkdir()
    (folder / "config.toml").touch()
    journal = Journal(folder / "journal.jsonl")
    journal.append(
        "started", symbol="EURUSD", unit="pips", model="factored", replay_capacity=96,
        min_trade_frac=0.3, episodes_due=60,
    )  # fmt: skip
    journal.append("phase", phase="search", episodes=60)
    journal.append("advanced", episodes=32, memory_mb=273.4)

    def panels(app):
        return {p.TITLE: p.draw(60, 12, app.paint).plain for p in app.screen.query(Panel)}

    shown = drive(MuZeroApp(folder), presses("2", then=panels))
    assert "no rounds" not in shown["actions"]
    assert "bars teach" in shown["actions"]
    assert "bars teach" in shown["replay"]
    assert "filled" not in shown["replay"]
    assert "to validate only" in shown["progress"]
    assert "exploration" not in shown["progress"]
