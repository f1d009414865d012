"""What a long verb says of itself where there is no terminal, and on one."""

import io

import pytest

from muzero_cli.display.progress import SECONDS_BETWEEN_LINES, VerbProgress
from muzero_cli.display.terminal import TerminalConsole


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def piped():
    return TerminalConsole(file=io.StringIO(), width=40)


def test_where_there_is_no_terminal_a_line_comes_now_and_then(piped):
    clock = Clock()
    with VerbProgress("momentum_5: decisions", 2000, piped, clock) as progress:
        progress.tick(10)
        assert piped.file.getvalue() == ""  # what is quick says nothing
        clock.now += SECONDS_BETWEEN_LINES
        progress.tick(490)
        progress.tick(500)
        clock.now += SECONDS_BETWEEN_LINES
        progress.doing("[bold]teaching", None)
        progress.tick(3)
        clock.now += SECONDS_BETWEEN_LINES
        progress.tick(0)
    assert piped.file.getvalue().splitlines() == [
        "momentum_5: decisions 500 of 2,000, 10 s, 31 s left",
        "[bold]teaching 3, 0 s",
        "[bold]teaching 3, 10 s",
    ]


def test_on_a_terminal_a_bar_is_drawn_and_taken_away():
    console = TerminalConsole(file=io.StringIO(), width=100, force_terminal=True)
    clock = Clock()
    with VerbProgress("random: decisions", 2000, console, clock) as progress:
        clock.now += 2 * SECONDS_BETWEEN_LINES
        progress.tick(500)
    drawn = console.file.getvalue()
    assert "random: decisions" in drawn
    assert "500 of 2,000" in drawn
    assert "left" not in drawn
    assert drawn.endswith("\x1b[2K")


def test_what_knows_only_how_far_it_is_says_that(piped):
    clock = Clock()
    with VerbProgress("BTCUSDT.csv:", None, piped, clock) as progress:
        progress.reach(0, 2000)
        clock.now += SECONDS_BETWEEN_LINES
        progress.reach(500, 2000)
    assert piped.file.getvalue() == "BTCUSDT.csv: 500 of 2,000, 10 s, 30 s left\n"


def test_what_comes_before_the_first_step_is_not_taken_for_its_pace(piped):
    clock = Clock()
    with VerbProgress("fitting: steps", 2000, piped, clock) as progress:
        clock.now += 4 * SECONDS_BETWEEN_LINES
        progress.tick()
        clock.now += SECONDS_BETWEEN_LINES
        progress.tick(199)
    assert piped.file.getvalue().splitlines() == [
        "fitting: steps 1 of 2,000, 40 s",
        "fitting: steps 200 of 2,000, 50 s, 90 s left",
    ]
