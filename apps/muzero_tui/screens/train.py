"""How training goes."""

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

    def body(self) -> ComposeResult:
        """Six panels in a grid."""
        with Grid(id="train"):
            yield LossPlot()
            yield ValidationPlot()
            yield Progress()
            yield Actions()
            yield Replay()
            yield OutcomeCalibration()
