"""Moves a session from exported programs to another backend when they take too long.

A search must fit into what the deadline leaves, with a reserve: that is its share. Where the median
of many steps would exceed it with all the simulations wanted, the backends that need no export are
timed on the last decision again, after its orders. The fastest takes over if it is clearly faster,
and plays until the session is started again: nothing goes back and forth.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from mlx_muzero.agent.agent import played_by
from mlx_muzero.agent.moment import Moment
from mlx_muzero.paper.planner import RESERVE, Planner
from mlx_muzero.types import F32, I32, U64

STEPS = 15
"""Steps whose median counts."""

AGAIN = 240
"""Steps until other backends are timed again, if none was faster."""

_WORTH_A_MOVE_FRAC = 0.8
"""What another backend may take of the time, at most, to be worth a move."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What a search was asked; see `Planner.plan`."""

    observation: F32
    account: I32
    seed: U64
    moment: Moment


@dataclass(frozen=True)
class Move:
    """What came of steps that took too long.

    Attributes:
        played: what evaluated, in words.
        backend: what evaluates from now on; None: nothing was faster.
        step_ms: median time of a step with all simulations wanted.
        share_ms: median of what the deadline leaves for it.
        steps: number of steps.
        rivals_ms: what other backends took for the last of them.
        rival_s: seconds of the one that takes over; 0 if none does.
    """

    played: str
    backend: str | None
    step_ms: float
    share_ms: float
    steps: int
    rivals_ms: dict[str, float] = field(default_factory=dict)
    rival_s: float = 0.0

    @property
    def facts(self) -> dict[str, object]:
        """The facts for the journal."""
        return {
            "reason": str(self),
            "played": self.played,
            "backend": self.backend,
            "step_ms": self.step_ms,
            "share_ms": self.share_ms,
            "steps": self.steps,
            "rivals_ms": self.rivals_ms,
        }

    def __str__(self) -> str:
        rivals = ", ".join(f"{name} {ms:,.1f} ms" for name, ms in self.rivals_ms.items())
        text = (
            f"{self.played} would need {self.step_ms:,.1f} ms for a step with all simulations, the "
            f"median of {self.steps}, more than the {self.share_ms:,.1f} ms that "
            f"timing.deadline_ms leaves; others need: {rivals or 'none could be timed'}"
        )
        if self.backend is None:
            return (
                f"{text}; none is clearly faster, so {self.played} goes on with fewer simulations"
            )
        return f"{text}; {self.backend} takes over until the session is started again"


class Offloading:
    """Watches how long exported programs take, and finds what takes over.

    Args:
        planner: runs the searches.
        simulations: number wanted.
        least: the fewest of a search.
        stopwatch: returns seconds.
    """

    def __init__(
        self, planner: Planner, simulations: int, least: int, stopwatch: Callable[[], float]
    ) -> None:
        self._planner, self._stopwatch = planner, stopwatch
        self._simulations, self._least = simulations, least
        self._wanted = STEPS
        self._needed_s: deque[float] = deque(maxlen=STEPS)
        self._share_s: deque[float] = deque(maxlen=STEPS)
        self._seen = 0
        self._asked: Asked | None = None

    def measured(self, asked: Asked, simulations: int, seconds: float, left_s: float) -> None:
        """Record a search, for which the deadline left so many seconds."""
        self._needed_s.append(seconds * self._simulations / simulations)
        self._share_s.append(left_s / RESERVE)
        self._seen += 1
        self._asked = asked

    def reconsider(self) -> Move | None:
        """Let another backend take over if it should; None if there is nothing to tell.

        It takes as long as a few searches: call it after the orders.
        """
        rivals = self._planner.rivals
        if not rivals or self._asked is None or self._seen < self._wanted:
            return None
        needed_s, share_s = median(self._needed_s), median(self._share_s)
        if needed_s <= share_s:
            return None
        played = played_by(self._planner.backend, self._planner.root_backend)
        timed = {name: found for name in rivals if (found := self._timed(name, self._asked))}
        about = 1e3 * needed_s, 1e3 * share_s, len(self._needed_s)
        rivals_ms = {name: 1e3 * seconds for name, (_, seconds) in timed.items()}
        self._seen, self._wanted = 0, AGAIN
        fastest = min(timed, key=lambda name: timed[name][1], default=None)
        if fastest is None or timed[fastest][1] > _WORTH_A_MOVE_FRAC * needed_s:
            return Move(played, None, *about, rivals_ms)
        rival, seconds = timed[fastest]
        self._planner.adopt(rival)
        return Move(played, fastest, *about, rivals_ms, seconds)

    def _timed(self, backend: str, asked: Asked) -> tuple[Planner, float] | None:
        """The planner on another backend, and its seconds for the same; None if it cannot play."""
        arguments = asked.observation, asked.account, asked.seed
        try:
            rival = self._planner.on(backend)
            rival.plan(*arguments, self._least, asked.moment)  # allocates
            began_s = self._stopwatch()
            rival.plan(*arguments, self._simulations, asked.moment)
        except Exception:  # whatever it fails of, the session goes on as it is
            return None
        return rival, self._stopwatch() - began_s
