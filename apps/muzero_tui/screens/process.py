"""The process and the machine: what the process says, what happened to it, what it takes."""

from textual.app import ComposeResult
from textual.containers import Grid

from mlx_muzero.profiling.machine_load import LoadMeter
from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.process_panels import Happened, System
from muzero_tui.widgets.log_pane import LogPane


class ProcessScreen(RunScreen):
    """The log, the run's notices and alerts, and the machine; measured only while it is shown."""

    DEFAULT_CSS = """
    #process { grid-size: 1 3; grid-rows: 2fr 1fr 8; }
    ProcessScreen.-tall #process { grid-rows: 2fr 1fr 10; }
    ProcessScreen.-wide #process { grid-size: 2 2; grid-columns: 2fr 1fr; grid-rows: 1fr 10; }
    ProcessScreen.-wide LogPane { row-span: 2; }
    ProcessScreen.-normal.-tall LogPane, ProcessScreen.-wide.-tall LogPane {
        border: round $foreground 30%; padding: 0 1;
    }
    ProcessScreen.-normal.-tall LogPane:focus, ProcessScreen.-wide.-tall LogPane:focus {
        border: round $accent;
    }
    """
    AUTO_FOCUS = "LogPane"

    def __init__(self) -> None:
        super().__init__()
        self.meter = LoadMeter()

    def body(self) -> ComposeResult:
        """Three panes."""
        with Grid(id="process"):
            yield LogPane()
            yield Happened()
            yield System(self.meter)

    def show(self) -> None:
        """Take what the log gained."""
        self.query_one(LogPane).follow()

    def on_screen_suspend(self) -> None:
        """Measure nothing that nobody sees."""
        self.meter.stop()

    def on_unmount(self) -> None:
        """Leave no process behind."""
        self.meter.stop()
