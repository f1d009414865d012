"""A child process that is replaced when it fails, a bounded number of times."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from mlx_muzero.errors import EngineLost
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.deployment import EngineEvent, Limits
from mlx_muzero.types import F32


class Answering(Protocol):
    """Something that runs programs: a `Child`."""

    @property
    def end(self) -> Callable[[], object]:
        """Ends it; without effect the second time."""
        ...

    def call(self, program: str, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Outputs of a program.

        Raises:
            ChildLost: it cannot.
        """
        ...


class Supervisor:
    """Asks a child, and a new one when the former is lost.

    Requests depend on nothing before them, so who asks sees no difference.

    Attributes:
        child: the present one.
    """

    def __init__(
        self,
        launch: Callable[[], Answering],
        limits: Limits,
        report: Callable[[EngineEvent], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Launches the first child.

        Args:
            launch: makes a child that is known to work, or raises ChildLost.
            limits: how often it may be called again.
            report: hears of every restart, and why.
            now: a clock in seconds.

        Raises:
            EngineLost: it cannot be made to work.
        """
        self._launch = launch
        self._limits = limits
        self._report = report
        self._now = now
        self._restarts_at: deque[float] = deque()
        self._closed = False
        self.child = self._launched()

    def call(self, program: str, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Outputs of a program.

        Raises:
            EngineLost: no child can be made to give them, or this was closed.
        """
        while True:
            try:
                return self.child.call(program, inputs)
            except ChildLost as lost:
                self._count_restart(lost)
                self.child = self._launched()

    def close(self) -> None:
        """Ends the child for good."""
        self._closed = True
        self.child.end()

    def _launched(self) -> Answering:
        while True:
            try:
                return self._launch()
            except ChildLost as lost:
                self._count_restart(lost)

    def _count_restart(self, lost: ChildLost) -> None:
        """Reports one more restart.

        Raises:
            EngineLost: it would do no good, or be one too many.
        """
        if self._closed:
            raise EngineLost("it was closed") from lost
        now, limits = self._now(), self._limits
        while self._restarts_at and self._restarts_at[0] <= now - limits.restarts_s:
            self._restarts_at.popleft()
        if not lost.curable:
            raise EngineLost(str(lost)) from lost
        if len(self._restarts_at) == limits.restarts:
            raise EngineLost(
                f"{lost}; restarted {limits.restarts} times in {limits.restarts_s:g} s already"
            ) from lost
        self._restarts_at.append(now)
        self._report(EngineEvent("engine_restarted", str(lost)))
