"""What a watch does at each look at a session: rules alone, without clock, file or process.

Silence is counted in the watch's own waking time. After a sleep or a suspension of this process
nothing is held against the session, which slept too, until it had its chance.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from mlx_muzero.errors import (
    ConfigError,
    DataError,
    ExportError,
    FeedError,
    MuZeroError,
    RunError,
    StorageError,
)

PULSES = 2.5
"""Pulses that a session may miss before it counts as silent."""

HANGS_S = 180.0
"""A silent session is ended by force after so long, if it may be started again."""

LOADING_S = 300.0
"""How long a process may take from its start to its first line in the journal."""

LONGEST_STEP_S = 20.0
"""Longest time between two looks of a watch that was awake."""

SYSTEM_SIGNALS = ("SIGTERM", "SIGHUP")
"""What a system that shuts down sends; a user's Ctrl-C is SIGINT."""

_REFUSALS: list[type[MuZeroError]] = [
    ConfigError,
    DataError,
    RunError,
    ExportError,
    FeedError,
    StorageError,
]
USAGE = 2
"""Exit code of a wrong command line."""

UNMENDABLE: Collection[int] = {USAGE, *(error.exit_code for error in _REFUSALS)}
"""Exit codes of a session that a restart cannot mend: somebody has to change something."""


@dataclass(frozen=True)
class Look:
    """What is seen of a session.

    Attributes:
        pid: the process that holds its folder; None without one.
        end: length of its journal, in bytes.
        ending: "stopped" or "finished" if its last process ended so, else empty.
        by: what stopped it, a command or a signal; empty if the journal does not say.
        halted: whether a user halted it.
        fault: the fault with which the last process ended; empty without one.
        pulse_s: seconds between signs of life; None for a version that gives none.
        journaled_by: the process that last began a session in the journal.
        exit_code: of the process that the watch started last, once it ended.
        starts: how often the watch started the session so far.
        boot: identifies the machine's present boot.
    """

    pid: int | None
    end: int
    ending: str = ""
    by: str = ""
    halted: bool = False
    fault: str = ""
    pulse_s: float | None = None
    journaled_by: int | None = None
    exit_code: int | None = None
    starts: int = 0
    boot: str = ""

    @property
    def death(self) -> str:
        """Tells a death from every other."""
        return f"{self.end}/{self.starts}"


What = Literal["died", "silent", "back", "start", "kill", "refused", "resting"]


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        what: "died", "silent", "refused": alarm; "back": tell; "resting": note that it ended on
            purpose; "start" and "kill": do that.
        why: in words.
    """

    what: What
    why: str


@dataclass
class Vigil:
    """The rules, and what they remember between looks.

    Attributes:
        restarts: whether the session may be started again.
        boot: the boot at which the session was last seen alive; empty if it never was.
        told: the `Look.death` that was told last; empty for none.
    """

    restarts: bool
    boot: str = ""
    told: str = ""
    _end: int = field(default=-1, repr=False)
    _silent_s: float = field(default=0.0, repr=False)
    _alarmed: bool = field(default=False, repr=False)
    _refused: bool = field(default=False, repr=False)
    _rested: bool = field(default=False, repr=False)
    _missing: int = field(default=0, repr=False)

    def take(self, look: Look, step_s: float) -> list[Step]:
        """What follows from `look`, `step_s` after the last one."""
        if step_s > LONGEST_STEP_S:
            self._silent_s, self._missing, step_s = 0.0, 0, 0.0
        return self._alive(look, step_s) if look.pid is not None else self._gone(look)

    def _alive(self, look: Look, step_s: float) -> list[Step]:
        self._missing, self._refused, self._rested = 0, False, False
        self.boot, grown = look.boot, look.end != self._end
        self._end = look.end
        self._silent_s = 0.0 if grown else self._silent_s + step_s
        if grown and self._alarmed and look.journaled_by == look.pid:
            self._alarmed = False
            return [Step("back", f"process {look.pid} journals")]
        if grown or look.pulse_s is None:
            return []
        loading = look.journaled_by != look.pid
        limit_s = LOADING_S if loading else PULSES * look.pulse_s
        if self._silent_s <= limit_s:
            return []
        why = f"process {look.pid} has journaled nothing for {self._silent_s:.0f} s"
        steps = [] if self._alarmed else [Step("silent", why)]
        self._alarmed = True
        if self.restarts and self._silent_s > limit_s + HANGS_S:
            self._silent_s = 0.0
            steps.append(Step("kill", why))
        return steps

    def _gone(self, look: Look) -> list[Step]:
        self._missing += 1
        if self._missing < 2:
            return []  # it may be writing its last line, or another process be about to begin
        if look.exit_code in UNMENDABLE:
            return self._refuse(f"it was refused with exit code {look.exit_code}")
        if self._refused:
            return []
        rebooted = bool(self.boot) and self.boot != look.boot
        if look.ending:
            by_system = look.by in SYSTEM_SIGNALS and rebooted
            if look.ending == "finished" or not by_system:
                return self._rest(look)
        why = _reason(look, rebooted)
        steps = []
        if look.death != self.told:
            self.told, self._alarmed = look.death, True
            steps.append(Step("died", why))
        if look.halted:
            return [*steps, *self._refuse("a user halted it")] if steps else []
        return [*steps, Step("start", why)] if self.restarts else steps

    def _refuse(self, why: str) -> list[Step]:
        if self._refused:
            return []
        self._refused = self._alarmed = True
        return [Step("refused", why)]

    def _rest(self, look: Look) -> list[Step]:
        if self._rested:
            return []
        self._rested, self._alarmed = True, False
        by = f" by {look.by}" if look.by else ""
        return [Step("resting", f"it {_ENDED.get(look.ending, look.ending)}{by}")]


_ENDED = {"stopped": "was stopped", "finished": "came to the end of its feed"}


def _reason(look: Look, rebooted: bool) -> str:
    if rebooted:
        return "the machine was restarted"
    if look.fault:
        return f"it ended with a fault: {look.fault}"
    if look.exit_code is None:
        return "its process ended without a word"
    code = look.exit_code
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
