"""The train screen: how training is going."""

from textual.app import ComposeResult
from textual.containers import Grid

from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.train_panels import (
    Actions,
    LossPlot,
    OutcomeCalibration,
    Progress,
    Replay,
    ValidationPlot,
)


class TrainScreen(RunScreen):
    """Losses, validation, progress, actions, replay and calibration."""

    DEFAULT_CSS = """
    #train { grid-size: 2 3; grid-rows: 2fr 2fr 2fr; grid-gutter: 0 1; }
    TrainScreen.-wide #train { grid-size: 4 2; grid-rows: 1fr 15; }
    TrainScreen.-wide #train PlotPanel { column-span: 2; }
    """

    def body(self) -> ComposeResult:
        """Six panels in a grid."""
        with Grid(id="train"):
            yield LossPlot()
            yield ValidationPlot()
            yield Progress()
            yield Actions()
            yield Replay()
            yield OutcomeCalibration()
