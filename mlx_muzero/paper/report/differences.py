"""Counts what differs between a recorded session and its replay."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlx_muzero.paper.records.transaction import Row

SHOWN = 5
"""Number of differences described in full."""


@dataclass
class Differences:
    """Counts of one kind of thing, how many differ, and the first differences."""

    recorded: int = 0
    replayed: int = 0
    differ: int = 0
    first: list[str] = field(default_factory=list)

    def check(self, name: str, recorded: object, replayed: object) -> None:
        """Count a difference, if there is one."""
        if recorded != replayed:
            self.differ += 1
            if len(self.first) < SHOWN:
                self.first.append(f"{name}: recorded {recorded}, replayed {replayed}")


class RowByRow:
    """Compares recorded rows with replayed ones: of each pair, the first with the first, and so on.

    Recorded IDs are not compared. A row is kept only until its counterpart comes.
    """

    def __init__(self, found: Differences) -> None:
        self._found = found
        self._recorded: dict[str, deque[Row]] = defaultdict(deque)
        self._replayed: dict[str, deque[Row]] = defaultdict(deque)
        self._compared: Counter[str] = Counter()

    def record(self, rows: Iterable[Row]) -> None:
        """Take more recorded rows."""
        for row in rows:
            self._found.recorded += 1
            self._recorded[row["pair"]].append(row)
            self._compare(row["pair"])

    def replay(self, rows: Iterable[Row]) -> None:
        """Take more replayed rows."""
        for row in rows:
            self._found.replayed += 1
            self._replayed[row["pair"]].append(row)
            self._compare(row["pair"])

    def end(self) -> None:
        """No more rows come: what has no counterpart by now is missing or too much."""
        for pair in sorted(self._recorded.keys() | self._replayed.keys()):
            ours, theirs = len(self._recorded[pair]), len(self._replayed[pair])
            compared = self._compared[pair]
            self._found.check(f"{pair}, count", compared + ours, compared + theirs)

    def _compare(self, pair: str) -> None:
        ours, theirs = self._recorded[pair], self._replayed[pair]
        while ours and theirs:
            one, other = ours.popleft(), theirs.popleft()
            name = f"{pair}, number {self._compared[pair]}"
            self._found.check(name, {column: one[column] for column in other}, other)
            self._compared[pair] += 1
