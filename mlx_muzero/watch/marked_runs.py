"""Runs marked for comparison: their curves, and the keys in which their configurations differ."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from mlx_muzero.watch.curve import Curve
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.watch.train_state import TrainState

MOST_MARKED = 6


def curves_of(run: WatchedRun) -> dict[str, Curve]:
    """Every curve of a run by name, first what chooses the best checkpoint, without empty ones."""
    state = run.state
    if isinstance(state, PaperState):
        found = {"equity": state.equity, "drawdown": state.drawdown_frac}
    else:
        found = _of_training(state, run.best_by == "net_pips")
    return {name: curve for name, curve in found.items() if len(curve)}


def _of_training(state: TrainState, by_session: bool) -> dict[str, Curve]:
    chosen = {"expectancy": state.expectancy_pips, "net pips": state.net_pips}
    if by_session:
        chosen = dict(reversed(chosen.items()))
    terms = sorted(state.losses, key="total".__ne__)
    return {
        **chosen,
        "win rate": state.win_frac,
        **{f"loss: {term}": state.losses[term] for term in terms},
        "gradient norm": state.gradient_norm,
        "support overflow": state.overflow_frac,
    }


class MarkedRuns:
    """At most `MOST_MARKED` runs, the baseline first.

    Args:
        clock: wall clock.

    Attributes:
        runs: by folder.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.runs: dict[Path, WatchedRun] = {}

    def open(self, folder: Path) -> WatchedRun:
        """Read a run; it may take a while, and another thread may do it."""
        run = WatchedRun(folder, self._clock)
        run.poll()
        return run

    def mark(self, run: WatchedRun) -> None:
        """Add a run that was read."""
        if len(self.runs) < MOST_MARKED:
            self.runs.setdefault(run.folder, run)

    def unmark(self, folder: Path) -> None:
        """Take a run out."""
        self.runs.pop(folder, None)

    def pin(self, folder: Path) -> None:
        """Make a marked run the baseline."""
        if folder in self.runs:
            self.runs = {folder: self.runs[folder], **self.runs}

    def poll(self) -> None:
        """Read on in all of them."""
        for run in self.runs.values():
            run.poll()

    @property
    def curve_names(self) -> list[str]:
        """Names of the curves that any of them has, the baseline's first."""
        return list(dict.fromkeys(name for run in self.runs.values() for name in curves_of(run)))

    def differing(self) -> dict[str, list[Any]]:
        """Each key in which the trainings' configurations differ, with the value of each run.

        Sessions of paper trading have none. The values are in the runs' order.

        Raises:
            ConfigError: one cannot be read; says which and why.
        """
        # Most who look at the list of runs compare none, and the schema takes a while to load.
        from mlx_muzero.config.differing import differing
        from mlx_muzero.config.recorded import config_of_run

        trained = [run for run in self.runs.values() if run.kind != "paper"]
        configs = {str(run.folder): config_of_run(run.folder / "config.toml") for run in trained}
        found = differing(configs) if len(configs) > 1 else {}
        return {
            key: [values.get(str(run.folder)) for run in self.runs.values()]
            for key, values in found.items()
        }
