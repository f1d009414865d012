"""One look at bars: what was done with which of them, as one line of the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.untrusted.json_values import strict_json
from mlx_muzero.untrusted.shapes import (
    Malformed,
    count,
    mapping,
    number,
    one_of,
    optional,
    record,
    sequence,
    text,
    time_ns,
)

Kind = Literal["trained", "validated", "evaluated"]
"""A run begun, a judgement on bars that choose something, or one on unseen bars."""

MOST_MARKS = 2048
"""Days that one look marks for each symbol; of a longer period, every second or fourth one."""
MARK_WIDTH = 4
"""Hexadecimal digits of a mark."""
UNMARKED = "." * MARK_WIDTH

MOST_DAYS = 1024
"""Totals that are kept of one policy; of a longer period, those of several days."""


@dataclass(frozen=True)
class Marks:
    """What tells whether bars of two stores are the same: a hash of one bar of each day.

    Attributes:
        first_day: the first marked day, counted from 1970.
        every: days from one mark to the next, a power of two; the days are multiples of it.
        text: the marks, one after another; `UNMARKED` on days without that bar.
    """

    first_day: int
    every: int
    text: str

    def by_day(self) -> dict[int, str]:
        """The marks, by day."""
        marks = [self.text[at : at + MARK_WIDTH] for at in range(0, len(self.text), MARK_WIDTH)]
        days = range(self.first_day, self.first_day + len(marks) * self.every, self.every)
        return {day: mark for day, mark in zip(days, marks, strict=True) if mark != UNMARKED}


@dataclass(frozen=True)
class LookedBars:
    """Bars that somebody looked at.

    Attributes:
        symbols: whose they are.
        first_ns: UTC open of the first.
        end_ns: UTC time before which all of them open.
        digest: SHA-256 of their opens and closes.
        marks: of days of their market, by symbol; empty in ledgers of 0.2.0.
    """

    symbols: tuple[str, ...]
    first_ns: int
    end_ns: int
    digest: str
    marks: Mapping[str, Marks] = field(default_factory=dict)

    def overlaps(self, other: "LookedBars") -> bool:
        """Whether they share a symbol and a time."""
        shared = set(self.symbols).intersection(other.symbols)
        return bool(shared) and self.first_ns < other.end_ns and other.first_ns < self.end_ns

    def same_market(self, other: "LookedBars") -> bool | None:
        """Whether they are of one market, whatever the store; None if they share no marked day.

        Half of the shared marks must agree: a vendor may have corrected a few bars.
        """
        if self.digest == other.digest:
            return True
        agree = shared = 0
        for symbol in self.marks.keys() & other.marks.keys():
            own, others = self.marks[symbol].by_day(), other.marks[symbol].by_day()
            common = own.keys() & others.keys()
            shared += len(common)
            agree += sum(own[day] == others[day] for day in common)
        return None if not shared else 2 * agree >= shared


@dataclass(frozen=True)
class Tried:
    """What one policy earned on looked-at bars.

    Attributes:
        observations: groups of overlapping sessions that it played.
        mean: net pips of a group.
        sharpe: mean over standard deviation of these.
        first_day: the day of the first total, counted from 1970.
        every: days that a total covers.
        totals: net pips of the sessions that began in each stretch of `every` days.
    """

    observations: int
    mean: float
    sharpe: float
    first_day: int
    every: int
    totals: tuple[float, ...]


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        kind: what was done.
        bars: looked at.
        configuration: SHA-256 of the configuration's text, without its period.
        run: name of its folder.
        checkpoint: that played; empty of a training.
        time: UTC time at which it was recorded, ISO 8601; empty of one that is not yet.
        part: of the run's data that was judged; empty of a training.
        seed: the run's; None if unknown.
        recipe: SHA-256 of the configuration without its seed either; empty if unknown.
        policies: that were judged and could have been chosen, by name.
        id: by which its copies are recognised; empty in ledgers of 0.2.0.
    """

    kind: Kind
    bars: LookedBars
    configuration: str
    run: str
    checkpoint: str = ""
    time: str = ""
    part: str = ""
    seed: int | None = None
    recipe: str = ""
    policies: Mapping[str, Tried] = field(default_factory=dict)
    id: str = ""

    @classmethod
    def parsed(cls, facts: Any) -> "Look":
        """Parse a line of the ledger.

        Raises:
            Malformed: it is no look; the message says why.
        """
        found = _SHAPE(facts)
        if found["first_ns"] >= found["end_ns"]:
            raise Malformed("end_ns: a time after first_ns")
        bars = LookedBars(
            tuple(found["symbols"]),
            found["first_ns"],
            found["end_ns"],
            found["digest"],
            found.get("marks", {}),
        )
        return cls(
            found["event"],
            bars,
            found["configuration"],
            found.get("run", ""),
            found.get("checkpoint", ""),
            found.get("time", ""),
            found.get("part", ""),
            found.get("seed"),
            found.get("recipe", ""),
            found.get("policies", {}),
            found.get("id", ""),
        )

    def facts(self) -> dict[str, Any]:
        """The look as a line of the ledger, without what is empty."""
        flat = {"event": self.kind, "time": self.time} | asdict(self.bars)
        flat |= {"configuration": self.configuration, "run": self.run}
        flat |= {"checkpoint": self.checkpoint, "part": self.part, "seed": self.seed}
        flat |= {"recipe": self.recipe, "id": self.id}
        flat["policies"] = {name: asdict(tried) for name, tried in self.policies.items()}
        optional_ones = ("marks", "part", "seed", "recipe", "policies", "id")
        return {
            name: value
            for name, value in flat.items()
            if name not in optional_ones or value not in ("", None, {})
        }

    @property
    def identity(self) -> str:
        """Text that only copies of this look share."""
        return self.id or strict_json(self.facts())

    @property
    def what(self) -> str:
        """What was done, with the part of the data where that does not follow."""
        follows = self.part in ("", "test", "validation")
        return self.kind if follows else f"{self.kind} {self.part}"

    @property
    def trials(self) -> set[tuple[str, str]]:
        """What it tried: its configuration, and by name each way in which that decided."""
        return {(self.configuration, name) for name in self.policies or ("",)}


def _marks(value: Any) -> Marks:
    found = _MARKS(value)
    if type(found["text"]) is not str or len(found["text"]) > MARK_WIDTH * MOST_MARKS:
        raise Malformed(f"at most {MOST_MARKS:,} marks")
    if len(found["text"]) % MARK_WIDTH or found["every"] < 1:
        raise Malformed(f"marks of {MARK_WIDTH} digits")
    return Marks(found["first_day"], found["every"], found["text"])


def _tried(value: Any) -> Tried:
    found = _TRIED(value)
    if found["every"] < 1:
        raise Malformed("every: at least 1")
    return Tried(
        **{name: found[name] for name in _TRIED_FIELDS} | {"totals": tuple(found["totals"])}
    )


def _anything(value: Any) -> Any:
    return value


_MARKS = record({"first_day": count, "every": count, "text": _anything})
_TRIED_FIELDS: dict[str, Callable[[Any], Any]] = {
    "observations": count,
    "mean": number,
    "sharpe": number,
    "first_day": count,
    "every": count,
    "totals": sequence(number, most=MOST_DAYS),
}
_TRIED = record(_TRIED_FIELDS)
_SHAPE = record(
    {
        "event": one_of(get_args(Kind)),
        "symbols": sequence(text),
        "first_ns": time_ns,
        "end_ns": time_ns,
        "digest": text,
        "configuration": text,
    },
    {
        "run": text,
        "checkpoint": text,
        "time": text,
        "part": text,
        "recipe": text,
        "id": text,
        "seed": optional(count),
        "marks": mapping(_marks),
        "policies": mapping(_tried, most=1000),
    },
)


def stride_of(days: int, most: int) -> int:
    """The least power of two that cuts so many `days` into at most `most` stretches, and one."""
    every = 1
    while days > every * (most - 1):
        every *= 2
    return every


def day_of(time_ns_: int) -> int:
    """The UTC day of a time, counted from 1970."""
    return time_ns_ // DAY_NS
