"""What goes wrong in a soak, and when: drawn from a seed, before anything begins."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

Kind = Literal[
    "drop", "outage", "stall", "late bar", "missing bar", "revised bar", "rejected bar",
    "venue clock", "own clock", "sleep", "delisting", "kill", "full disk",
]  # fmt: skip
"""In order: one pair's requests fail; all requests do; a pair's newest bars are kept back; a bar
comes too late to be traded on; a minute has no bar; a bar is corrected; a bar is impossible at
first; the venue's clock steps; this machine's clock is set; it sleeps; the venue drops a pair; the
process is killed; nothing can be written any more."""

A_DAY: dict[Kind, float] = {
    "drop": 0.3,
    "stall": 0.3,
    "late bar": 0.6,
    "missing bar": 0.6,
    "revised bar": 0.6,
    "rejected bar": 0.3,
}
"""How often a day each happens to every pair."""
A_MONTH: dict[Kind, int] = {"outage": 20, "venue clock": 12, "own clock": 12}
"""How often in thirty days each happens to all pairs; at least once."""
_AWAY = (
    (0.70, 5 * SECOND_NS, MINUTE_NS),
    (0.25, 2 * MINUTE_NS, 20 * MINUTE_NS),
    (0.05, HOUR_NS, 3 * HOUR_NS),
)
"""How long a killed session stays away: share of the kills, from, to."""
_MEASURED_NS = HOUR_NS + 2 * MINUTE_NS
"""Within which a feed measures the venue's clock again."""
_HEARD_NS = 10 * SECOND_NS
"""Within which a bar is heard, wherever the clocks stand."""
_MOST_STEP_NS = 5 * SECOND_NS
"""By how much a clock is set at most."""
_APART_NS = 4 * MINUTE_NS
_TRIES = 2000


@dataclass(frozen=True)
class Fault:
    """One of them.

    Attributes:
        kind: what goes wrong.
        pair: for which pair; None: for all.
        at_ns: when it begins; the close of the minute where it is about a bar.
        until_ns: when it ends: an answer is right again, by the venue's clock where it is about a
            bar; or a killed session begins again.
        told_ns: by when it must have been told.
        size_ns: by how much a clock moves.
    """

    kind: Kind
    pair: str | None
    at_ns: int
    until_ns: int
    told_ns: int
    size_ns: int = 0

    @property
    def minute(self) -> int:
        """The minute that closes when this begins."""
        return self.at_ns // MINUTE_NS - 1


@dataclass(frozen=True)
class Plan:
    """A soak's time and what goes wrong in it.

    Attributes:
        begin_ns: when the session begins.
        end_ns: when it is stopped.
        quiet: time without a kill, in which memory and descriptors must not grow.
        retrain_days: between two candidates.
        candidates: how many are due.
        faults: by time.
    """

    begin_ns: int
    end_ns: int
    quiet: tuple[int, int]
    retrain_days: float
    candidates: int
    faults: tuple[Fault, ...]

    @property
    def changes_minute(self) -> int:
        """When funding begins to settle every four hours."""
        return (self.begin_ns + self.end_ns) // 2 // MINUTE_NS

    @property
    def deaths(self) -> list[Fault]:
        """What ends a process."""
        return [fault for fault in self.faults if fault.kind in ("kill", "full disk")]

    def of(self, kind: Kind) -> list[Fault]:
        """Those of a kind."""
        return [fault for fault in self.faults if fault.kind == kind]


def drawn(begin_ns: int, days: float, pairs: Sequence[str], kills: int, seed: int) -> Plan:
    """Draw a plan.

    No two things that go wrong at once concern the same pair, so that it is certain what each must
    lead to. Two candidates are due, after 11 and 22 thirtieths of the time; the ten thirtieths
    before the second one are without a kill.
    """
    whole_ns = round(days * DAY_NS)
    thirtieth_ns, retrain_ns = whole_ns // 30, whole_ns * 11 // 30
    quiet = (begin_ns + round(11.9 * thirtieth_ns), begin_ns + round(21.9 * thirtieth_ns))
    # A candidate is trained in this machine's time, and the session's runs a thousand times as
    # fast: it is killed once, soon after it began, and then left alone.
    due = [begin_ns + number * retrain_ns for number in (1, 2)]
    spared = [quiet, *((due_ns, due_ns + thirtieth_ns) for due_ns in due)]
    drawing = _Drawing(begin_ns, begin_ns + whole_ns, pairs, random.Random(seed))
    for due_ns in due:
        drawing.place("kill", (due_ns + 10 * MINUTE_NS, due_ns + 40 * MINUTE_NS))
    drawing.place("delisting", (begin_ns + 24 * thirtieth_ns, begin_ns + 26 * thirtieth_ns))
    drawing.place("full disk", spared=spared)
    drawing.place("sleep")
    for kind, often in A_MONTH.items():
        for _ in range(max(round(often * days / 30), 1)):
            drawing.place(kind)
    for _ in range(kills - len(due)):
        drawing.place("kill", spared=spared)
    for kill in drawing.kills[::4]:
        drawing.correct_meanwhile(kill)
    for kind, a_day in A_DAY.items():
        for _ in range(max(round(a_day * days * len(pairs)), 1)):
            drawing.place(kind)
    faults = sorted(drawing.placed, key=lambda fault: fault.at_ns)
    return Plan(begin_ns, begin_ns + whole_ns, quiet, retrain_ns / DAY_NS, len(due), tuple(faults))


class _Drawing:
    """Draws faults that keep out of each other's way."""

    def __init__(
        self, begin_ns: int, end_ns: int, pairs: Sequence[str], dice: random.Random
    ) -> None:
        self.placed: list[Fault] = []
        self._begin_ns, self._end_ns = begin_ns + HOUR_NS, end_ns - HOUR_NS
        self._pairs, self._dice = pairs, dice

    def place(
        self,
        kind: Kind,
        between: tuple[int, int] | None = None,
        spared: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Place another one of `kind`, not in times that are `spared`."""
        for _ in range(_TRIES):
            at_ns = self._dice.randrange(*(between or (self._begin_ns, self._end_ns)))
            fault = self._drawn(kind, at_ns)
            if any(first_ns <= at_ns < last_ns for first_ns, last_ns in spared):
                continue
            if fault.told_ns < self._end_ns and not any(_collide(fault, o) for o in self.placed):
                self.placed.append(fault)
                return
        raise SystemExit(f"there is no room for another {kind}: choose more days or fewer kills")

    @property
    def kills(self) -> list[Fault]:
        """Those placed, in the order in which they were."""
        return [fault for fault in self.placed if fault.kind == "kill"]

    def correct_meanwhile(self, kill: Fault) -> None:
        """Correct the last bar heard before `kill`, before or soon after the session is back."""
        pair = self._dice.choice(self._pairs[:-1])  # the last one may be gone
        at_ns = (kill.at_ns - _HEARD_NS) // MINUTE_NS * MINUTE_NS
        until_ns = at_ns + self._dice.randrange(2 * MINUTE_NS, 3 * MINUTE_NS)
        self.placed.append(Fault("revised bar", pair, at_ns, until_ns, kill.told_ns))

    def _drawn(self, kind: Kind, at_ns: int) -> Fault:
        dice = self._dice
        if kind in ("kill", "full disk"):
            (away,) = dice.choices(_AWAY, [share for share, _, _ in _AWAY])
            until_ns = at_ns + dice.randrange(*away[1:])
            return Fault(kind, None, at_ns, until_ns, until_ns + 4 * MINUTE_NS)
        if kind == "delisting":
            return Fault(kind, self._pairs[-1], at_ns, at_ns, at_ns + 3 * MINUTE_NS)
        if kind in ("venue clock", "own clock"):
            step_ns = dice.choice((-1, 1)) * dice.randrange(2 * SECOND_NS, _MOST_STEP_NS)
            told_ns = at_ns + (_MEASURED_NS if kind == "venue clock" else MINUTE_NS)
            return Fault(kind, None, at_ns, at_ns, told_ns, step_ns)
        if kind == "sleep":
            slept_ns = dice.randrange(20 * MINUTE_NS, 60 * MINUTE_NS)
            return Fault(kind, None, at_ns, at_ns + slept_ns, at_ns + slept_ns + 5 * MINUTE_NS)
        if kind == "outage":
            until_ns = at_ns + dice.randrange(3 * MINUTE_NS, 12 * MINUTE_NS)
            return Fault(kind, None, at_ns, until_ns, until_ns + 3 * MINUTE_NS)
        pair = dice.choice(self._pairs)
        if kind in ("drop", "stall"):
            until_ns = at_ns + dice.randrange(150 * SECOND_NS, 8 * MINUTE_NS)
            return Fault(kind, pair, at_ns, until_ns, until_ns + 3 * MINUTE_NS)
        at_ns -= at_ns % MINUTE_NS
        lasts = {
            "late bar": (25 * SECOND_NS, 40 * SECOND_NS),
            "missing bar": (0, 1),
            "revised bar": (MINUTE_NS, 2 * MINUTE_NS),
            # Longer than a session may be late that does not know yet that the clock was set.
            "rejected bar": (_MOST_STEP_NS + 2 * SECOND_NS, _MOST_STEP_NS + 5 * SECOND_NS),
        }[kind]
        until_ns = at_ns + dice.randrange(*lasts)
        return Fault(kind, pair, at_ns, until_ns, at_ns + 4 * MINUTE_NS)


def _collide(one: Fault, other: Fault) -> bool:
    """Whether what both lead to could be confused."""
    if one.pair is not None and other.pair is not None and one.pair != other.pair:
        return False
    for earlier, later in ((one, other), (other, one)):
        # Nothing follows for a pair that the venue has dropped.
        gone = earlier.kind == "delisting" and earlier.pair == later.pair
        if gone and later.told_ns > earlier.at_ns:
            return True
    return one.at_ns < other.told_ns + _APART_NS and other.at_ns < one.told_ns + _APART_NS
