"""All runs in the folder: choose one to watch."""

from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.widgets import Static

from mlx_muzero.watch.listing import RunListing, RunSummary
from mlx_muzero.watch.marked_runs import MOST_MARKED, MarkedRuns
from mlx_muzero.watch.run import WatchedRun
from muzero_tui.formats import age, shortened
from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.runs_panels import Differences, MarkedPlot
from muzero_tui.widgets.condition import styled_condition
from muzero_tui.widgets.tables import LiveTable

LOOK_S = 2.0
"""How often the folder is read."""


class RunsTable(LiveTable):
    """The runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Watch", id="run.watch"),
        Binding("m", "screen.mark", "Mark", id="run.mark"),
        Binding("p", "screen.pin", "Pin", id="run.pin", tooltip="Make it the baseline"),
    ]

    TITLE: ClassVar[str] = "runs"
    HELP: ClassVar[str] = (
        "Every run in the folder, the most recently changed first.\n\n"
        "● running: a process holds it\n"
        "✓ finished  ■ stopped  ✗ diverged: according to its journal\n"
        "○ disconnected: its process ended without a final entry\n"
        "· no data: nothing has happened in it yet\n\n"
        "enter watches the run under the cursor; / filters by name, kind or state.\n"
        "m marks runs, up to six, and lays their curves over each other below, beside the keys in "
        "which their configurations differ; p makes one the baseline; o and O sort."
    )


class RunsScreen(RunScreen):
    """A table of runs with kind, state, age and best metric."""

    DEFAULT_CSS = """
    #no-runs { padding: 1 2; height: 1fr; }
    #runs, #runs:focus { height: auto; max-height: 100%; border: none; }
    RunsScreen.-compares #runs { max-height: 9; }
    #marked { grid-size: 2 1; grid-columns: 2fr 1fr; grid-gutter: 0 1; height: 1fr; display: none; }
    RunsScreen.-compares #marked { display: block; layout: grid; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._listing = RunListing(self.app.root, self.app.clock)
        self._found: list[RunSummary] = []
        self._marked = MarkedRuns(self.app.clock)

    def body(self) -> ComposeResult:
        """The table, and a text for when it is empty."""
        yield RunsTable(id="runs")
        yield Static(id="no-runs")
        with Grid(id="marked"):
            for panel in (MarkedPlot(), Differences()):
                panel.marked = self._marked
                yield panel

    def on_mount(self) -> None:
        """Start reading the folder."""
        self.set_interval(LOOK_S, self._look)

    def on_screen_resume(self) -> None:
        """Read the folder now."""
        self._look()

    def _look(self) -> None:
        """Read the folder again if this screen is on top."""
        if self.is_current:
            self._found = self._listing.refresh()
            self._marked.poll()
            self.keep_up()

    def show(self) -> None:
        """Show the runs that match the filter."""
        wanted = self.wanted
        rows = {
            str(run.folder): self._row(run)
            for run in self._found
            if wanted in f"{run.folder.name} {run.kind} {run.condition}".lower()
        }
        any_bad = any(run.skipped for run in self._found)
        columns = ("#", "run", "kind", "state", "age", "best", *(("bad",) if any_bad else ()))
        rows = {key: row[: len(columns)] for key, row in rows.items()}
        self.query_one(RunsTable).show(columns, rows)
        empty = self.query_one("#no-runs", Static)
        empty.display = not rows
        empty.update(self._nothing())

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        folder = self._chosen
        if folder is None:
            return
        if folder in self._marked.runs:
            self._marked.unmark(folder)
            self._compare()
        elif len(self._marked.runs) == MOST_MARKED:
            self.notify(f"{MOST_MARKED} runs are marked, which is the most", severity="warning")
        else:
            # A thread reads its journal, which may be long.
            self.run_worker(partial(self._open, folder), thread=True)

    def action_pin(self) -> None:
        """Make the run under the cursor the baseline."""
        folder = self._chosen
        if folder in self._marked.runs:
            self._marked.pin(folder)
            self._compare()
        else:
            self.notify("mark it first (m)", severity="warning")

    def _open(self, folder: Path) -> None:
        run = self._marked.open(folder)
        self.app.from_thread(partial(self._opened, run))

    def _opened(self, run: WatchedRun) -> None:
        self._marked.mark(run)
        self._compare()

    def _compare(self) -> None:
        self.set_class(bool(self._marked.runs), "-compares")
        self.call_after_refresh(self.keep_up)

    @property
    def _chosen(self) -> Path | None:
        run = self.query_one(RunsTable).chosen
        return None if run is None else Path(run)

    def on_data_table_row_selected(self) -> None:
        """Watch the chosen run."""
        if self._chosen is not None:
            self.app.choose(self._chosen)

    def _nothing(self) -> Text:
        if self._found:
            return Text("no run matches the filter")
        return Text(
            f"no data: no runs in {self._listing.root}\n\n"
            "Start one with mlx-muzero train --run runs/NAME, or name another folder: "
            "mlx-muzero tui FOLDER"
        )

    def _row(self, run: RunSummary) -> list[Text]:
        now = self.app.clock()
        old = None if run.changed is None else (now - run.changed).total_seconds()
        bad = Text(str(run.skipped) if run.skipped else "", self.app.paint.warning)
        places = list(self._marked.runs)
        place = places.index(run.folder) if run.folder in places else None
        mark = Text("" if place is None else str(place + 1))
        if place is not None:
            mark.stylize(f"bold {self.app.paint.run(place)}")
        return [
            mark,
            Text(shortened(run.folder.name, max(self.size.width // 3, 20)), "bold"),
            Text(run.kind),
            styled_condition(run.condition, self.app.paint),
            Text(age(old), justify="right"),
            Text(run.best),
            bad,
        ]
