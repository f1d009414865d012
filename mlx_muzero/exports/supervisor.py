"""Replaces a child process when it fails, a limited number of times, or has answered enough."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from mlx_muzero.errors import EngineLost
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.deployment import EngineEvent, Limits
from mlx_muzero.types import F32


class Answering(Protocol):
    """Something that runs programs, such as a `Child`."""

    @property
    def end(self) -> Callable[[], object]:
        """End it; does nothing when called again."""
        ...

    def call(self, program: str, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Return the outputs of a program.

        Raises:
            ChildLost: it cannot.
        """
        ...


class Supervisor:
    """Passes requests to a child, and to a new one when that is lost.

    Requests do not depend on earlier ones, so the caller sees no difference.

    Attributes:
        child: the current child.
    """

    def __init__(
        self,
        launch: Callable[[], Answering],
        limits: Limits,
        report: Callable[[EngineEvent], None],
        now: Callable[[], float] = time.monotonic,
        most_calls: int | None = None,
    ) -> None:
        """Launch the first child.

        Args:
            launch: makes a child that is known to work, or raises ChildLost.
            limits: how often it may be called again.
            report: receives every restart and its reason.
            now: returns the time in seconds.
            most_calls: calls after which a child is replaced though nothing is wrong with it.

        Raises:
            EngineLost: it cannot be made to work.
        """
        self._launch = launch
        self._limits = limits
        self._report = report
        self._now = now
        self._restarts_at: deque[float] = deque()
        self._closed = False
        self._most_calls, self._calls = most_calls, 0
        self.child = self._launched()

    def call(self, program: str, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Return the outputs of a program.

        Raises:
            EngineLost: no child can produce them, or this supervisor was closed.
        """
        if self._calls == self._most_calls and not self._closed:
            self.child.end()
            self.child = self._launched()
        self._calls += 1
        while True:
            try:
                return self.child.call(program, inputs)
            except ChildLost as lost:
                self._count_restart(lost)
                self.child = self._launched()

    def close(self) -> None:
        """End the child for good."""
        self._closed = True
        self.child.end()

    def _launched(self) -> Answering:
        self._calls = 0
        while True:
            try:
                return self._launch()
            except ChildLost as lost:
                self._count_restart(lost)

    def _count_restart(self, lost: ChildLost) -> None:
        """Report one more restart.

        Raises:
            EngineLost: a restart would not help, or would exceed the limit.
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
                f"{lost}; already restarted {limits.restarts} times within {limits.restarts_s:g} s"
            ) from lost
        self._restarts_at.append(now)
        self._report(EngineEvent("engine_restarted", str(lost)))
