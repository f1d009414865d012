"""The interface of the application that screens and panels use."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from textual.app import App

from mlx_muzero.errors import RunError
from mlx_muzero.watch.profile import read_profile
from mlx_muzero.watch.run import WatchedRun
from muzero_tui.paint import Paint
from muzero_tui.pixels import Pixels


class Watcher(App[None]):
    """Watches one run at a time.

    Attributes:
        clock: wall clock.
        watched: the run.
        no_run: whether no run has been chosen yet.
        opening: whether its journal is still being read.
        leaving: whether the application is about to end.
        root: folder of the runs to choose from.
        profile: the run's latest profile; empty without one.
        profile_problem: why the profile cannot be read; empty if it can.
    """

    clock: Callable[[], datetime]
    watched: WatchedRun
    no_run: bool
    opening: bool
    leaving: bool
    root: Path
    profile: dict[str, Any]
    profile_problem: str

    @property
    def paint(self) -> Paint:
        """Styles of the current theme, by meaning."""
        return Paint.of(self.theme_variables)

    def read_profile(self) -> bool:
        """Read the run's latest profile; returns whether it has changed."""
        before = self.profile, self.profile_problem
        try:
            self.profile, self.profile_problem = read_profile(self.watched.folder), ""
        except RunError as error:
            self.profile, self.profile_problem = {}, str(error)
        return before != (self.profile, self.profile_problem)

    @property
    @abstractmethod
    def pixels(self) -> Pixels:
        """How charts are drawn now, and why not in pixels."""

    @abstractmethod
    def write(self, sequences: str) -> None:
        """Send control sequences to the terminal, behind what was drawn before."""

    @abstractmethod
    def from_thread(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the application's thread, unless the application is ending."""

    @abstractmethod
    def choose(self, folder: Path) -> None:
        """Watch the run in `folder`."""

    @abstractmethod
    async def show_decisions_of(self, pair: str) -> None:
        """Show the tree screen, filtered by a pair."""
