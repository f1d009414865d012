"""Runs: marked ones lie over each other, the baseline first; the table sorts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from muzero_tui.app import MuZeroApp
from muzero_tui.screens.runs_panels import Differences, MarkedPlot
from muzero_tui.widgets.tables import sort_key
from training_journals import training_run
from tui_pilots import drive, press

CONFIGS = {"a": "", "b": "train.learning_rate = 0.5\n", "c": 'train.best_by = "net_pips"\n'}


@pytest.fixture
def app(tmp_path):
    for number, (name, config) in enumerate(CONFIGS.items()):
        _, clock = training_run(tmp_path / name, rounds=16 + 8 * number, config=config)
    return MuZeroApp(tmp_path, clock=clock)


async def marked(pilot, *keys):
    for key in keys:
        await press(pilot, key)
        await pilot.app.workers.wait_for_complete()
        await press(pilot)
    await press(pilot)


def columns(app, name):
    table = app.screen.query_one("#runs")
    return [row[table._columns_shown.index(name)].plain for row in table._rows_shown.values()]


def test_marked_runs_lie_over_each_other_and_tell_how_they_differ(app):
    async def script(pilot):
        await press(pilot, "o", "o", "up", "up")  # by name, from the first
        await marked(pilot, "m", "down", "m")
        screen = pilot.app.screen
        plot, keys = screen.query_one(MarkedPlot), screen.query_one(Differences)
        assert columns(pilot.app, "#") == ["1", "2", ""]
        assert "expectancy" in str(plot.border_title)
        text = keys.render().plain
        assert "train.learning_rate" in text
        assert "0.5" in text
        assert "best_by" not in text
        values = plot.render().plain.split("\n")[0]
        assert values.startswith("1 ")
        assert "2 " in values
        await marked(pilot, "p")  # the second becomes the baseline
        assert columns(pilot.app, "#") == ["2", "1", ""]
        plot.focus()
        seen = set()
        for _ in range(len(plot.curves)):
            await press(pilot, "v")
            seen.add(plot.curve)
        assert {"expectancy", "net pips", "win rate", "loss: total", "loss: policy"} <= seen

    drive(app, script)


def test_a_mark_is_taken_away_and_the_panels_go_with_the_last(app):
    async def script(pilot):
        grid = pilot.app.screen.query_one("#marked")
        assert not grid.display
        await marked(pilot, "m")
        assert grid.display
        assert "mark another" in pilot.app.screen.query_one(Differences).render().plain
        await marked(pilot, "m")
        assert not grid.display

    drive(app, script)


def test_a_configuration_that_cannot_be_read_is_told(app, tmp_path):
    (tmp_path / "b" / "config.toml").write_text("train.learning_rat = 1\n")

    async def script(pilot):
        await press(pilot, "o", "o", "up", "up")
        await marked(pilot, "m", "down", "m")
        return pilot.app.screen.query_one(Differences).render().plain

    assert "learning_rat" in drive(app, script)


def test_the_table_sorts_by_each_column_and_back(app):
    async def script(pilot):
        before = columns(pilot.app, "run")
        await press(pilot, "o", "o")
        assert columns(pilot.app, "run") == ["a", "b", "c"]
        await press(pilot, "O")
        assert columns(pilot.app, "run") == ["c", "b", "a"]
        await press(pilot, "o", "o", "o")
        ages = [sort_key(age)[1] for age in columns(pilot.app, "age")]
        assert ages == sorted(ages)
        await press(pilot, "o", "o", "o")
        return before, columns(pilot.app, "run")

    before, after = drive(app, script)
    assert before == after


@given(st.lists(st.integers(-(10**9), 10**9), max_size=20))
@examples(30)
def test_numbers_sort_by_size_however_they_are_written(numbers):
    written = sorted((f"{number:,}" for number in numbers), key=sort_key)
    assert [int(text.replace(",", "")) for text in written] == sorted(numbers)


def test_ages_and_words_sort_too():
    assert sorted(["3h", "90s", "2m", "1d", "-"], key=sort_key) == ["90s", "2m", "3h", "1d", "-"]
    assert sorted(["LONG_1 40%", "+0.3", "HOLD 9%"], key=sort_key)[0] == "+0.3"
