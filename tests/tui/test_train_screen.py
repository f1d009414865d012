"""Train shows first what chooses the best checkpoint, and names nothing in part."""

from pathlib import Path

import pytest

from mlx_muzero.watch.listing import RunListing
from muzero_tui.app import MuZeroApp
from muzero_tui.screens.train_panels import LossParts, LossPlot, ValidationPlot
from training_journals import training_run
from tui_pilots import drive, press

LEVELS = {"optimum": 19.5, "line": 11.2}


@pytest.fixture
def planted(tmp_path):
    return training_run(tmp_path / "edge", config='train.best_by = "net_pips"\n', levels=LEVELS)


def shown(run, script, size=(120, 36)):
    folder, clock = run
    return drive(MuZeroApp(Path(folder), clock=clock), script, size)


def test_what_chooses_the_best_comes_first_with_its_levels(planted):
    async def script(pilot):
        plot = pilot.app.screen.query_one(ValidationPlot)
        first = str(plot.border_title), plot.render().plain
        plot.focus()
        await press(pilot, "v")
        return *first, str(plot.border_title), plot.render().plain

    title, chosen, next_title, other = shown(planted, script)
    assert "net pips a session" in title
    assert "expectancy" in next_title
    for name in LEVELS:
        assert name in chosen
        assert name not in other
    assert "★" in chosen
    assert "★" in other


def test_a_run_that_expectancy_chooses_begins_with_that(tmp_path):
    async def script(pilot):
        return str(pilot.app.screen.query_one(ValidationPlot).border_title)

    assert "expectancy" in shown(training_run(tmp_path / "edge"), script)


@pytest.mark.slow
def test_names_of_losses_are_whole_at_every_width(tmp_path):
    run = training_run(tmp_path / "edge")
    terms = {"total", "policy", "value", "reward", "outcome", "afterstate", "consistency"}

    async def script(pilot):
        screen = pilot.app.screen
        head = screen.query_one(LossPlot).render().plain.split("\n")[0]
        parts = screen.query_one(LossParts)
        return set(head.split()[::2]), parts.display, parts.render().plain.split("\n")[0]

    for size in ((80, 24), (120, 36), (200, 60)):
        names, wide, parts = shown(run, script, size)
        assert names
        assert names <= terms
        if size == (200, 60):
            assert wide
            assert set(parts.split()[::2]) == terms - {"total"}


def test_the_list_of_runs_tells_what_chose_the_best(planted):
    folder, clock = planted
    [run] = RunListing(folder.parent, clock).refresh()
    assert "pips a session" in run.best
