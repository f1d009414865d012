"""The train screen: how training is going."""

from textual.app import ComposeResult
from textual.containers import Grid

from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.train_panels import (
    Actions,
    LossParts,
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
    LossParts { display: none; }
    TrainScreen.-wide #train { grid-size: 4 2; grid-rows: 1fr 15; }
    TrainScreen.-wide.-tall #train { grid-size: 4 3; grid-rows: 5fr 3fr 11; }
    TrainScreen.-wide.-tall LossParts { display: block; column-span: 4; }
    TrainScreen.-wide #train PlotPanel { column-span: 2; }
    """

    def body(self) -> ComposeResult:
        """Six panels in a grid, and on a large screen the loss's parts."""
        with Grid(id="train"):
            yield LossPlot()
            yield ValidationPlot()
            yield LossParts()
            yield Progress()
            yield Actions()
            yield Replay()
            yield OutcomeCalibration()
