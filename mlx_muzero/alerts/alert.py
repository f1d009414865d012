"""One alert."""

from dataclasses import asdict, dataclass
from typing import Any, Self, get_args

from mlx_muzero.config.choices import AlertKind
from mlx_muzero.untrusted.shapes import flag, one_of, record, text
from mlx_muzero.untrusted.terminal_text import clean_line

MOST_TEXT = 400
"""Longest text of an alert, in characters: what a venue says may be longer."""

_SHAPE = record(
    {
        "kind": one_of(get_args(AlertKind)),
        "what": text,
        "effect": text,
        "answer": text,
        "time": text,
        "urgent": flag,
    },
    {"market": text},
)


@dataclass(frozen=True)
class Alert:
    """What a person should know.

    Texts are single lines without control characters, whatever a venue or journal said.

    Attributes:
        kind: what it is about.
        what: what happened.
        effect: what the run does about it.
        answer: the command that answers, or shows more.
        time: UTC time of it by this machine's clock, ISO 8601.
        urgent: whether it may not wait for the next message.
        market: the market's minute, UTC, ISO 8601, where that is another time; else empty.
    """

    kind: AlertKind
    what: str
    effect: str
    answer: str
    time: str
    urgent: bool = False
    market: str = ""

    def __post_init__(self) -> None:
        for name in ("what", "effect", "answer", "time", "market"):
            line = clean_line(getattr(self, name))
            short = line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]}..."
            object.__setattr__(self, name, short)

    @property
    def when(self) -> str:
        """The time in words, and the market's minute where that is another time."""
        market = f", market {self.market[:16].replace('T', ' ')}" if self.market else ""
        return f"{self.time[11:16]} UTC{market}"

    def facts(self) -> dict[str, Any]:
        """It as JSON values; `parsed` is the inverse."""
        return asdict(self)

    @classmethod
    def parsed(cls, facts: Any) -> Self:
        """The alert that has these `facts`.

        Raises:
            Malformed: none has.
        """
        checked = _SHAPE(facts)
        return cls(**{name: checked[name] for name in cls.__dataclass_fields__ if name in checked})
