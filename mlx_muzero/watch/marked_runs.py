"""Runs marked for comparison: their curves, and the keys in which their configurations differ."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.watch.run_curves import curves_of

MOST_MARKED = 6


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
