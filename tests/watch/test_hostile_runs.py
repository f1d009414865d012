"""Run folders of strangers crash, hang and spoil nothing: status, the list of runs, the screens."""

import asyncio
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import cases
from hostile_lines import HostileLines
from hostile_runs import MAKERS, NAMES, paper, training
from mlx_muzero.errors import RunError
from mlx_muzero.untrusted.shapes import LARGEST, Malformed
from mlx_muzero.untrusted.terminal_text import clean
from mlx_muzero.watch.events import SHAPES, checked
from mlx_muzero.watch.listing import RunListing
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.profile import read_profile
from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.watch.train_state import TrainState
from muzero_tui.app import MuZeroApp
from muzero_tui.widgets.panel import Panel
from tui_pilots import opened, press

PATIENCE_S = 5.0
SCREENS = "123456"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of hostile runs and, beside them, two good ones."""
    root = tmp_path_factory.mktemp("runs")
    for number, make in enumerate(MAKERS.values()):
        make(root / f"{number:03d}")
    for name in NAMES:
        training(root / name)
    paper(root / "good paper")
    training(root / "good training")
    return root


@pytest.fixture(params=range(len(MAKERS)), ids=list(MAKERS))
def hostile(request, runs):
    return runs / f"{request.param:03d}"


def is_clean(text):
    return clean(text) == text


def test_status_tells_how_it_stands(cli, hostile):
    began = time.monotonic()
    code, out, err = cli("status", hostile)
    assert (code, err) == (0, "")
    assert is_clean(out)
    assert "condition" in out
    code, out, _ = cli("status", hostile, "--json")
    assert code == 0
    assert json.loads(out)["condition"] in ("disconnected", "stopped", "diverged", "no data")
    assert time.monotonic() - began < PATIENCE_S


def test_the_list_has_every_run_and_the_good_ones_are_whole(runs):
    listing = RunListing(runs)
    began = time.monotonic()
    found = {run.folder.name: run for run in listing.refresh()}
    while any(run.condition == "reading" for run in found.values()):
        found = {run.folder.name: run for run in listing.refresh()}
    assert time.monotonic() - began < 2 * PATIENCE_S
    assert len(found) == len(MAKERS) + len(NAMES) + 2
    good = found["good paper"], found["good training"]
    assert [run.condition for run in good] == ["disconnected"] * 2
    assert [run.skipped for run in good] == [0, 0]
    assert "pips a trade" in found["good training"].best


async def look(pilot, screens, run):
    """Draw a run on all screens at once, as a user who goes through them would see it."""
    pilot.app.watched = run
    run.poll()
    for screen in screens:
        screen.keep_up()
        assert all(is_clean(panel.render().plain) for panel in screen.query(Panel))
    await pilot.pause(0)


@pytest.mark.slow
@pytest.mark.parametrize("journals", cases(1, [2, 50]))
def test_every_screen_shows_every_run(runs, tmp_path, journals):
    app = MuZeroApp(runs / "good paper")

    async def script():
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot)
            screens = []
            for key in SCREENS:
                await press(pilot, key)
                screens.append(app.screen)
            names, *_ = screens[0].query_one("#runs").ordered_columns
            assert names.content_width <= 80 // 3, "a long name leaves the others their room"
            screens = screens[1:]  # the first is about all runs, and has shown them
            for folder in sorted(runs.iterdir()):
                await look(pilot, screens, WatchedRun(folder))
            # Up to a thousand lines more, at the edges of what an event may be.
            accepted = 0
            for number in range(journals):
                folder = tmp_path / str(number)
                folder.mkdir()
                (folder / ("paper.toml", "config.toml")[number % 2]).touch()
                (folder / "journal.jsonl").write_bytes(HostileLines(number).journal(20))
                run = WatchedRun(folder)
                await look(pilot, screens, run)
                run.playback.scrub(-0.5)
                await look(pilot, screens, run)
                accepted += len(run.index) - run.index.skipped
            assert 10 * journals < accepted < 20 * journals
            await look(pilot, screens, WatchedRun(runs / "good paper"))
            await press(pilot, "3")
            return app.screen.query_one("#pairs").row_count

    assert asyncio.run(script()) == 8, "a good run is shown after all of them"


@pytest.mark.slow
def test_runs_are_gone_through_key_by_key(runs):
    async def script():
        app = MuZeroApp(runs)
        async with app.run_test(size=(120, 36)) as pilot:
            await opened(pilot)
            for folder in sorted(runs.iterdir())[::9]:
                app.choose(folder)
                await opened(pilot)
                await press(pilot, *"4nnb]3v2vvvvvvv5", "semicolon", "r", "l", "1")

    asyncio.run(script())


def test_names_of_folders_are_only_names(runs, cli):
    for name in NAMES:
        code, out, _ = cli("status", runs / name)
        assert code == 0
        assert is_clean(out)
        code, _, err = cli("status", runs / f"{name}{name}")
        assert code == 5
        assert is_clean(err)


NUMBERS = st.integers() | st.floats() | st.sampled_from([LARGEST, -LARGEST, 2**63, 10**400, 1e308])
TEXTS = st.text(max_size=6) | st.sampled_from(["\x1b[2J", "[/bold]", "\ud800", "trading", "stale"])
NAMES_OF_FIELDS = sorted(
    {"close_ns", "pairs", "id", "order_id", "equity", "drawdown_frac", "losses", "total", "steps"}
    | {"episodes", "metrics", "best", "actions", "forecast", "kind", "pair", "time", "reason"}
    | {"gradient_norm", "overflow_frac", "exit_ns", "fill_ns", "net", "phase", "checkpoint"}
    | {
        "state",
        "close",
        "open",
        "high",
        "low",
        "pip_size",
        "bar_close_ns",
        "probabilities",
        "outcomes",
        "action",
        "exposure",
    }
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES_OF_FIELDS) | TEXTS, inner, max_size=8)
    ),
    max_leaves=12,
)
EVENTS = st.builds(
    lambda kind, facts: json.dumps({"event": kind, **facts}).encode(),
    st.sampled_from(sorted(SHAPES)) | TEXTS,
    st.dictionaries(st.sampled_from(NAMES_OF_FIELDS), VALUES, max_size=14),
)
LINES = EVENTS | st.binary(max_size=40)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(LINES, min_size=10, max_size=10))
def test_a_thousand_hostile_lines_fold_into_a_state(lines):
    """A hundred journals of ten lines; whatever passes the check can be folded and told."""
    states = TrainState(), PaperState()
    for line in lines:
        try:
            event = checked(line)
        except Malformed:
            continue
        for state in states:
            state.apply(event)
    for state in states:
        assert len(json.dumps(state.as_dict(), allow_nan=False)) < 10**6


def test_a_profile_is_told_to_be_none(runs):
    with pytest.raises(RunError, match="profile"):
        read_profile(runs / f"{list(MAKERS).index('profile, deep'):03d}")
