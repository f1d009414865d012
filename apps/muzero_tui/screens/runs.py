"""All runs in the folder: choose one to watch."""

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from mlx_muzero.watch.listing import RunListing, RunSummary
from muzero_tui.formats import age, shortened
from muzero_tui.screens.base import RunScreen
from muzero_tui.widgets.condition import styled_condition
from muzero_tui.widgets.tables import LiveTable

LOOK_S = 2.0
"""How often the folder is read."""


class RunsTable(LiveTable):
    """The runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Watch", id="run.watch"),
    ]

    TITLE: ClassVar[str] = "runs"
    HELP: ClassVar[str] = (
        "Every run in the folder, the most recently changed first.\n\n"
        "● running: a process holds it\n"
        "✓ finished  ■ stopped  ✗ diverged: according to its journal\n"
        "○ disconnected: its process ended without a final entry\n"
        "· no data: nothing has happened in it yet\n\n"
        "enter watches the run under the cursor; / filters by name, kind or state."
    )


class RunsScreen(RunScreen):
    """A table of runs with kind, state, age and best metric."""

    DEFAULT_CSS = """
    #no-runs { padding: 1 2; height: 1fr; }
    #runs, #runs:focus { height: auto; max-height: 100%; border: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._listing = RunListing(self.app.root, self.app.clock)
        self._found: list[RunSummary] = []

    def body(self) -> ComposeResult:
        """The table, and a text for when it is empty."""
        yield RunsTable(id="runs")
        yield Static(id="no-runs")

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
            self.keep_up()

    def show(self) -> None:
        """Show the runs that match the filter."""
        wanted = self.wanted
        rows = {
            str(run.folder): self._row(run)
            for run in self._found
            if wanted in f"{run.folder.name} {run.kind} {run.condition}".lower()
        }
        self.query_one(RunsTable).show(("run", "kind", "state", "age", "best", "bad"), rows)
        empty = self.query_one("#no-runs", Static)
        empty.display = not rows
        empty.update(self._nothing())

    def on_data_table_row_selected(self) -> None:
        """Watch the chosen run."""
        run = self.query_one(RunsTable).chosen
        if run is not None:
            self.app.choose(Path(run))

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
        return [
            Text(shortened(run.folder.name, max(self.size.width // 3, 20)), "bold"),
            Text(run.kind),
            styled_condition(run.condition, self.app.paint),
            Text(age(old), justify="right"),
            Text(run.best),
            bad,
        ]
