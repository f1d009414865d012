"""Measures how long the terminal application takes to paint its first screen.

    python scripts/bench_start.py RUN [--rounds N] [--columns N] [--lines N]

Beside it the smallest program that Textual allows, in turns: what it takes is Python's and
Textual's own. Times are from the command's start to the first screen being painted, in a
pseudo-terminal. A first start of each is not counted: it leaves the modules compiled.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.report import Report
from bench.terminal import quit_by_q
from bench.timing import Timed, by_turns, median_ratio

SMALLEST = """
from textual.app import App
from textual.widgets import Static

class Smallest(App):
    BINDINGS = [("q", "quit", "Quit")]

    def compose(self):
        yield Static("Profile")

Smallest().run()
"""
PAINTED = "Profile"
"""Text in the first line of either program."""


@dataclass(frozen=True)
class Start:
    """Results of one program; `over_smallest` is the median of the ratios within a round."""

    program: str
    median_ms: float
    least_ms: float
    over_smallest: float


def main() -> None:
    parser = argparse.ArgumentParser(description="How long the application takes to start.")
    parser.add_argument("run", type=Path, help="a run to watch")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--lines", type=int, default=36)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    size = options.columns, options.lines
    report = Report(
        options.json,
        textual=version("textual"),
        terminal=f"{size[0]}x{size[1]}",
        run=options.run.name,
    )
    programs = {
        "smallest": (sys.executable, "-c", SMALLEST),
        "mlx-muzero tui": (sys.executable, "-m", "muzero_cli.main", "tui", str(options.run)),
    }
    starts = {name: first_screen(command, *size) for name, command in programs.items()}
    found = by_turns(starts, options.rounds)
    smallest = found["smallest"]
    report.table("start", "From the command to the first screen:", (
        Start(
            name, 1e3 * statistics.median(seconds), 1e3 * min(seconds),
            median_ratio(seconds, smallest),
        )
        for name, seconds in found.items()
    ))  # fmt: skip
    report.end()


def first_screen(command: Sequence[str], columns: int, lines: int) -> Timed:
    """Start the command once and quit it."""

    def seconds() -> float:
        with quit_by_q(command, columns, lines) as terminal:
            return terminal.seconds_until(PAINTED)

    return seconds


if __name__ == "__main__":
    main()
