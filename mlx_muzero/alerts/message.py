"""Alerts grouped into one message for one place."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mlx_muzero.alerts.alert import Alert

Weight = Callable[[str], int]
"""How much of a place's limit a text takes."""


@dataclass(frozen=True)
class Message:
    """What is sent to a place at once.

    Attributes:
        run: the run's folder.
        alerts: at least one, oldest first.
        more: how many alerts of each kind there was no room for.
        repeated: whether it may have been sent before, by a process that was killed meanwhile.
    """

    run: str
    alerts: tuple[Alert, ...]
    more: Mapping[str, int]
    repeated: bool = False

    @property
    def urgent(self) -> bool:
        """Whether one of them is."""
        return any(alert.urgent for alert in self.alerts)

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        counts = Counter(alert.kind for alert in self.alerts) + Counter(dict(self.more))
        if sum(counts.values()) == 1:
            return f"mlx-muzero {self.run}: {self.alerts[0].what}"
        about = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        return f"mlx-muzero {self.run}: {about}"

    @property
    def lines(self) -> list[str]:
        """What happened, and below each group what is done about it and the command."""
        lines = ["(this may be a repetition: the process was killed while it sent)"] * self.repeated
        for (effect, answer), group in groupby(self.alerts, lambda a: (a.effect, a.answer)):
            lines += [f"{alert.when}  {alert.what}" for alert in group]
            lines += [f"-> {effect}", f"answer: {answer}"]
        if self.more:
            left = ", ".join(f"{count:,} {kind}" for kind, count in self.more.items())
            lines.append(f"and more than there is room for: {left}; the journal has all")
        return lines

    def text(self, most: int, weight: Weight = len) -> str:
        """The lines, without the last ones if `weight` of it would exceed `most`."""
        return fitting(self.lines, most, weight)

    def facts(self) -> dict[str, Any]:
        """It as JSON values."""
        return {
            "title": self.title,
            "text": "\n".join(self.lines),
            "run": self.run,
            "urgent": self.urgent,
            "alerts": [alert.facts() for alert in self.alerts],
            "more": dict(self.more),
            "repeated": self.repeated,
        }


def fitting(lines: Sequence[str], most: int, weight: Weight = len) -> str:
    """`lines` as a text of at most `most` by `weight`; what is left out is counted."""
    whole = "\n".join(lines)
    if weight(whole) <= most:
        return whole
    for kept in range(len(lines) - 1, 0, -1):
        shorter = "\n".join([*lines[:kept], f"... and {len(lines) - kept} more lines"])
        if weight(shorter) <= most:
            return shorter
    return lines[0][: max(most // 6, 1)]  # six: the longest that any form makes of a character
