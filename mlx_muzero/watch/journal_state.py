"""What the journal of any kind of run says so far: how it began, until when, how it ended."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from mlx_muzero.watch.ending import ending_after
from mlx_muzero.watch.events import Event, event_time


@dataclass
class JournalState(ABC):
    """Folded from events in order; those of one kind of run are taken by its subclass.

    Attributes:
        CURVES: kinds of events that make curves, of which old ones are needed too.
        began: facts of the last event that says how the run, or its process, began.
        time: of the last event.
        ending: one of `ending.ENDINGS` once the journal says so; else empty.
        reason: why it ended so.
        by: what stopped it, a command or a signal; empty if the journal does not say.
    """

    CURVES: ClassVar[frozenset[str]] = frozenset()

    began: Event = field(default_factory=dict)
    time: datetime | None = None
    ending: str = ""
    reason: str = ""
    by: str = ""

    def apply(self, event: Event) -> None:
        """Take the next event, in the shape of its kind; an unknown one changes only the time."""
        kind = str(event["event"])
        self.time = event_time(event) or self.time
        self.ending = ending_after(self.ending, kind)
        if kind == self.ending:
            self.reason = str(event.get("reason", ""))
            self.by = str(event.get("by") or "")
        elif not self.ending:
            self.reason = self.by = ""
        self._take(kind, event)

    @property
    def unit(self) -> str:
        """Unit of what is called pips; empty in journals of 0.1.0, which do not say."""
        return str(self.began.get("unit", ""))

    @property
    def time_text(self) -> str | None:
        """`time` in ISO 8601."""
        return None if self.time is None else self.time.isoformat()

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """The facts without the curves, for JSON."""

    @abstractmethod
    def _take(self, kind: str, event: Event) -> None:
        """What an event of `kind` changes beyond time and ending."""
