"""What may be traded now, and why: commands, and the stops set by faults and limits.

A stop applies to all pairs, an exclusion to one. `resume` lifts stops and keeps exclusions.
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
    "costs included, even after a halt; no position is opened until `resume`.",
    "halt": "pending orders are canceled and nothing is planned or traded, not even to close: "
    "positions stay open and are marked. `resume` undoes it.",
    "resume": "trading continues with the next minute; stops are lifted, and drawdown and daily "
    "loss count from the current equity. Excluded pairs stay excluded until `include`.",
}
"""Effect of each command, as stated in its answer and in the question that confirms it."""


@dataclass(frozen=True)
class Stop:
    """A reason not to enter.

    Attributes:
        reason: in words.
        until_ns: when it expires; None if only `resume` lifts it.
    """

    reason: str
    until_ns: int | None


@dataclass(frozen=True)
class Exclusion:
    """Why one pair is neither planned nor traded.

    Attributes:
        reason: in words.
        closing: True to close its position; otherwise it stays open and is marked.
    """

    reason: str
    closing: bool


class Mode:
    """The trading mode that results from commands, faults and breached limits."""

    def __init__(self) -> None:
        self.halted = False
        self.flattening = False
        self.stops: dict[str, Stop] = {}
        self.excluded: dict[str, Exclusion] = {}

    @property
    def name(self) -> ModeName:
        """The strictest mode in effect."""
        if self.halted:
            return "halted"
        if self.flattening:
            return "flattening"
        return "entries_stopped" if self.stops else "trading"

    @property
    def reason(self) -> str:
        """Why trading is limited; empty if it is not."""
        return "; ".join(stop.reason for stop in self.stops.values())

    def command(self, name: Command) -> None:
        """Apply a command to the mode."""
        if name == "resume":
            self.halted = self.flattening = False
            self.stops.clear()
            return
        self.stops["command"] = Stop(f"{name} was commanded", None)
        if name in ("halt", "flatten"):
            # A halted position cannot be closed, so the later command wins.
            self.halted = name == "halt"
        self.flattening |= name == "flatten"

    def exclude(self, pair: str, reason: str, closing: bool = False) -> None:
        """Stop trading `pair` until `include`; a close in progress continues."""
        known = self.excluded.get(pair)
        self.excluded[pair] = Exclusion(reason, closing or (known is not None and known.closing))

    def include(self, pair: str) -> None:
        """Trade `pair` again."""
        self.excluded.pop(pair, None)

    def closes(self, pair: str) -> bool:
        """Whether the position of `pair` must be closed, whatever the agent wants."""
        return self.flattening or (pair in self.excluded and self.excluded[pair].closing)

    def stop(self, source: str, reason: str, until_ns: int | None, flatten: bool = False) -> None:
        """Stop entries; replaces an earlier stop from the same source."""
        self.stops[source] = Stop(reason, until_ns)
        self.flattening |= flatten

    def lift(self, source: str) -> None:
        """Remove the stop from `source`, if there is one."""
        self.stops.pop(source, None)

    def advance(self, now_ns: int, flat: bool) -> None:
        """Lift expired stops; flattening ends once the account is `flat`."""
        over = [
            source
            for source, stop in self.stops.items()
            if stop.until_ns is not None and stop.until_ns <= now_ns
        ]
        for source in over:
            del self.stops[source]
        self.flattening &= not flat

    def state(self) -> dict[str, Any]:
        """The mode's whole state, as JSON values."""
        return {
            "halted": self.halted,
            "flattening": self.flattening,
            "stops": {source: asdict(stop) for source, stop in self.stops.items()},
            "excluded": {pair: asdict(why) for pair, why in self.excluded.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the mode that produced `state`."""
        self.halted, self.flattening = state["halted"], state["flattening"]
        self.stops = {source: Stop(**stop) for source, stop in state["stops"].items()}
        excluded = state.get("excluded", {})  # absent in 0.1.0
        self.excluded = {pair: Exclusion(**why) for pair, why in excluded.items()}
