"""What a session knows of its retraining, kept and committed with the rest of its state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.untrusted.shapes import count, time_ns


@dataclass
class RetrainState:
    """What plays, and which candidate is under way.

    Attributes:
        played: the models that have played, the present one last; empty where none is known.
        number: of the last candidate that was begun; 0 before the first.
        until_ns: end of the last bar that the candidate under way knows; 0 if none is under way.
        next_ns: when the next one is due; 0 before the first minute.
    """

    played: list[PlayedModel] = field(default_factory=list)
    number: int = 0
    until_ns: int = 0
    next_ns: int = 0

    @property
    def playing(self) -> PlayedModel | None:
        """The model that plays."""
        return self.played[-1] if self.played else None

    @property
    def minute_facts(self) -> dict[str, Any]:
        """What the journal says of it every minute: which model decides, and what comes next."""
        facts: dict[str, Any] = {} if self.playing is None else {"model": self.playing.name}
        if self.next_ns:
            under_way = self.number if self.until_ns else None
            facts["retraining"] = {"next_ns": self.next_ns, "candidate": under_way}
        return facts

    def schedule(self, close_ns: int, every_days: float) -> None:
        """At the first minute decided on, make the first candidate due an interval later."""
        if every_days and not self.next_ns:
            self.next_ns = close_ns + round(every_days * DAY_NS)

    def due(self, close_ns: int) -> bool:
        """Whether a candidate should be begun at the end of a minute."""
        return bool(self.next_ns) and not self.until_ns and close_ns >= self.next_ns

    def begin(self, close_ns: int, every_days: float) -> int:
        """Begin a candidate on all bars that closed by `close_ns`; return its number.

        The next is due an interval later: of intervals that passed while nothing ran, one is made
        up for.
        """
        self.number += 1
        self.until_ns = close_ns
        self.next_ns = close_ns + round(every_days * DAY_NS)
        return self.number

    def end(self, took_over: PlayedModel | None = None) -> None:
        """No candidate is under way any more; if it took over, it plays."""
        self.until_ns = 0
        if took_over is not None:
            self.played.append(took_over)

    def state(self) -> dict[str, Any]:
        """This as JSON values."""
        return {
            "played": [model.state for model in self.played],
            "number": self.number,
            "until_ns": self.until_ns,
            "next_ns": self.next_ns,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` describes; of sessions before there was retraining it is empty.

        Raises:
            Malformed: it is no such state.
        """
        if not state:
            return
        self.played = [PlayedModel.parsed(facts) for facts in state["played"]] or self.played
        self.number = count(state["number"])
        self.until_ns, self.next_ns = time_ns(state["until_ns"]), time_ns(state["next_ns"])
