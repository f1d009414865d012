"""What may be traded now, and why: the commands, and the stops that faults and limits put up.

A stop holds for all pairs, an exclusion for one. `resume` lifts stops and leaves exclusions.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

ModeName = Literal["trading", "entries_stopped", "flattening", "halted"]
Command = Literal["stop-entries", "flatten", "halt", "resume"]
PairCommand = Literal["close", "exclude", "include"]

CONSEQUENCES: dict[Command, str] = {
    "stop-entries": "positions are no longer opened or increased; the agent still manages and "
    "closes open ones. `resume` undoes it.",
    "flatten": "pending orders are canceled and every position is closed at its next bar's open, "
    "costs included, even after a halt; then no position is opened until `resume`.",
    "halt": "pending orders are canceled and nothing is planned or traded, not even to close: "
    "positions stay open and are marked. `resume` undoes it.",
    "resume": "trading continues with the next minute; stops are lifted, and drawdown and daily "
    "loss count from the current equity. Excluded pairs stay excluded until `include`.",
}
"""What each command does, in the answer to it and in the question whether it is meant."""


@dataclass(frozen=True)
class Stop:
    """A reason not to enter.

    Attributes:
        reason: in words.
        until_ns: when it ends by itself; None if only `resume` lifts it.
    """

    reason: str
    until_ns: int | None


@dataclass(frozen=True)
class Exclusion:
    """Why one pair is not planned or traded.

    Attributes:
        reason: in words.
        closing: its position is to be closed; else it stays open and is marked.
    """

    reason: str
    closing: bool


class Mode:
    """The trading mode, from what was commanded, what failed and what limit was passed."""

    def __init__(self) -> None:
        self.halted = False
        self.flattening = False
        self.stops: dict[str, Stop] = {}
        self.excluded: dict[str, Exclusion] = {}

    @property
    def name(self) -> ModeName:
        """The strictest that holds."""
        if self.halted:
            return "halted"
        if self.flattening:
            return "flattening"
        return "entries_stopped" if self.stops else "trading"

    @property
    def reason(self) -> str:
        """Why it is not trading; empty if it is."""
        return "; ".join(stop.reason for stop in self.stops.values())

    def command(self, name: Command) -> None:
        """Do what a command says of the mode."""
        if name == "resume":
            self.halted = self.flattening = False
            self.stops.clear()
            return
        self.stops["command"] = Stop(f"{name} was commanded", None)
        if name in ("halt", "flatten"):
            # What is halted cannot be closed, so the later of the two holds.
            self.halted = name == "halt"
        self.flattening |= name == "flatten"

    def exclude(self, pair: str, reason: str, closing: bool = False) -> None:
        """Trade `pair` no more until `include`; one that is being closed goes on to be."""
        known = self.excluded.get(pair)
        self.excluded[pair] = Exclusion(reason, closing or (known is not None and known.closing))

    def include(self, pair: str) -> None:
        """Trade `pair` again."""
        self.excluded.pop(pair, None)

    def closes(self, pair: str) -> bool:
        """Whether the position of `pair` is to be closed, whatever the agent wants."""
        return self.flattening or (pair in self.excluded and self.excluded[pair].closing)

    def stop(self, source: str, reason: str, until_ns: int | None, flatten: bool = False) -> None:
        """Stop entries; a stop of the same source is replaced."""
        self.stops[source] = Stop(reason, until_ns)
        self.flattening |= flatten

    def lift(self, source: str) -> None:
        """Let the stop of `source` go, if there is one."""
        self.stops.pop(source, None)

    def advance(self, now_ns: int, flat: bool) -> None:
        """Lift the stops whose time is over; flattening ends when the account is `flat`."""
        over = [
            source
            for source, stop in self.stops.items()
            if stop.until_ns is not None and stop.until_ns <= now_ns
        ]
        for source in over:
            del self.stops[source]
        self.flattening &= not flat

    def state(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "halted": self.halted,
            "flattening": self.flattening,
            "stops": {source: asdict(stop) for source, stop in self.stops.items()},
            "excluded": {pair: asdict(why) for pair, why in self.excluded.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as the mode was that gave `state`."""
        self.halted, self.flattening = state["halted"], state["flattening"]
        self.stops = {source: Stop(**stop) for source, stop in state["stops"].items()}
        excluded = state.get("excluded", {})  # version 0.1.0 knew none
        self.excluded = {pair: Exclusion(**why) for pair, why in excluded.items()}
