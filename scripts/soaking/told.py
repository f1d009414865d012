"""Which faults of a soak were told, and how often: read from the journal and the console."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlx_muzero.runlog import journal
from mlx_muzero.timeunits import MINUTE_NS
from soaking.faults import Fault, Kind, Plan
from soaking.life import Soak

Key = tuple[object, ...]
_NO_ANSWER = "no answer for "
_NO_ROOM = "Nothing is lost: free some space"  # whether store or journal could not be written


@dataclass(frozen=True)
class Told:
    """One kind of fault.

    Attributes:
        fault: its kind.
        planned: how many there were.
        once: of them told exactly once.
        never: of them not told.
        again: of them told more than once.
        beyond: tellings of this kind that belong to no planned fault.
    """

    fault: str
    planned: int
    once: int
    never: int
    again: int
    beyond: int

    @property
    def good(self) -> bool:
        """Whether each was told once, and nothing else."""
        return self.once == self.planned and not self.beyond


class Tellings:
    """Every telling of a soak, by what it says, at the close of the minute before it.

    Attributes:
        at: times by key.
        counts: events of the journal by name.
    """

    def __init__(self, soak: Soak) -> None:
        self.at: dict[Key, list[int]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self._lives = {death: number for number, death in enumerate(soak.plan.deaths, start=1)}
        close_ns = soak.plan.begin_ns
        for event in journal.read(soak.folder / "journal.jsonl"):
            self.counts[event["event"]] += 1
            if event["event"] == "minute":
                close_ns = max(close_ns, event["close_ns"])
            for key in _keys(event, self.counts["paper_started"] - 1):
                # A minute is journaled again when a late bar of it comes.
                if key[0] != "late" or not self.at[key]:
                    self.at[key].append(close_ns)
        for line in soak.console_path.read_text().splitlines():
            said = json.loads(line)
            for words in (_NO_ANSWER, _NO_ROOM):
                if words in said["text"]:
                    self.at["said", words].append(said["now_ns"])

    def within(self, key: Key, fault: Fault) -> int:
        """How often `key` was told because of `fault`."""
        first_ns = fault.at_ns - 2 * MINUTE_NS
        return sum(first_ns <= at_ns <= fault.told_ns for at_ns in self.at.get(key, ()))

    def table(self, plan: Plan) -> Iterator[Told]:
        """A row for every kind of fault."""
        for kind, name in _NAMES.items():
            planned = plan.of(kind)
            times = [self._times(fault) for fault in planned]
            beyond = 0
            if kind in _ALONE:
                keys = {self._key(fault) for fault in planned}
                beyond = sum(len(self.at.get(key, ())) for key in keys) - sum(times)
            yield Told(
                name,
                len(planned),
                times.count(1),
                times.count(0),
                sum(count > 1 for count in times),
                beyond,
            )

    def _times(self, fault: Fault) -> int:
        key = self._key(fault)
        if fault.kind in ("delisting", "kill"):  # once and for all, once in the life that follows
            return len(self.at.get(key, ()))
        return self.within(key, fault)

    def _key(self, fault: Fault) -> Key:
        """What tells of a fault."""
        opened = fault.minute * MINUTE_NS
        match fault.kind:
            case "drop":
                return "disconnected", fault.pair
            case "outage":
                return "said", _NO_ANSWER
            case "stall":
                return "stale", fault.pair
            case "late bar":
                return "late", fault.pair, fault.at_ns
            case "missing bar":
                return "missing", fault.pair, opened
            case "revised bar":
                return "revised", fault.pair, opened
            case "rejected bar":
                return "rejected", fault.pair, opened
            case "venue clock":
                return ("venue",)
            case "own clock":
                return ("local",)
            case "sleep":
                return ("slept",)
            case "delisting":
                return "fault", f"feed of {fault.pair}"
            case "kill":
                return "hole", self._lives[fault]
            case "full disk":
                return "said", _NO_ROOM


_NAMES: Mapping[Kind, str] = {
    "drop": "a pair's requests fail",
    "outage": "all requests fail",
    "stall": "a pair's newest bars are kept back",
    "late bar": "a bar too late to trade on",
    "missing bar": "a minute without a bar",
    "revised bar": "a bar is corrected",
    "rejected bar": "a bar is impossible at first",
    "venue clock": "the venue's clock steps",
    "own clock": "this machine's clock is set",
    "sleep": "this machine sleeps",
    "delisting": "the venue drops a pair",
    "kill": "the process is killed",
    "full disk": "the disk is full",
}
_ALONE = ("rejected bar", "venue clock", "sleep", "delisting", "kill", "full disk", "missing bar")
"""Kinds whose tellings nothing else leads to."""


def _keys(event: Mapping[str, Any], life: int) -> Iterator[Key]:
    """What an event of the journal, of a life counted from 0, tells."""
    name, pair = event["event"], event.get("pair")
    if name == "minute":
        for symbol, facts in event["pairs"].items():
            if facts["state"] == "stale":
                yield "late", symbol, event["close_ns"]
    elif name == "fault":
        yield "fault", event["what"]
    elif name == "hole" and event["reason"] == "the engine was not running":
        yield "hole", life
    elif name == "feed":
        kind = event["kind"]
        if kind == "disconnected" and event["channel"] == "requests" and event["failures"] == 1:
            yield "disconnected", pair
        elif kind == "gap_filled" and event["missing"]:
            yield "missing", pair, event["start_ns"]
        elif kind == "revised":
            yield "revised", pair, event["bar"]["open_time_ns"]
        elif kind == "rejected":
            yield "rejected", pair, event["open_time_ns"]
        elif kind == "clock_jumped":
            yield (event["whose"],)
        elif kind == "stale" and event["channel"] == "requests":
            yield "stale", pair
        elif kind == "slept":
            yield ("slept",)
