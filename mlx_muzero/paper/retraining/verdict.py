"""How a candidate was judged beside the model that plays."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.luck.paired_days import PairedDays
from mlx_muzero.files.regular import read_text, write_text
from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.paper.retraining.settings import RetrainSettings
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import count, number, optional, record, text

_MOST_BYTES = 2**16


@dataclass(frozen=True)
class Verdict:
    """What a candidate earned on the judged days beyond the playing model.

    Attributes:
        candidate: the model that was judged.
        beside: digest of the weights of the model that played.
        first_utc: when the first judged session began.
        last_utc: when the last one began.
        days: its differences, day by day.
        earned: mean net of a day of the candidate.
        playing_earned: that of the playing model.
        unit: in which both are counted.
        looks: what the ledger of looks says, in words.
    """

    candidate: PlayedModel
    beside: str
    first_utc: str
    last_utc: str
    days: PairedDays
    earned: float
    playing_earned: float
    unit: str
    looks: str

    def better(self, settings: RetrainSettings) -> bool:
        """Whether the candidate takes over."""
        low = self.days.low
        return self.days.days >= settings.judged_days and low is not None and low > settings.margin

    def words(self, settings: RetrainSettings) -> str:
        """What was found, and what follows, in a sentence."""
        days, unit = self.days, self.unit
        interval = (
            "-"
            if days.low is None or days.high is None
            else f"{_amount(days.low)} to {_amount(days.high)}"
        )
        judged = "takes over" if self.better(settings) else "does not take over"
        return (
            f"candidate {self.candidate.number} earned {_amount(days.mean)} {unit} a day beyond "
            f"the playing model (95 % interval {interval}) on {days.days} days, better on "
            f"{days.better} and worse on {days.worse}; it {judged}: the lower end must be above "
            f"{settings.margin:g} on at least {settings.judged_days} days"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """The facts for the journal."""
        return {
            "number": self.candidate.number,
            "checkpoint": self.candidate.checkpoint,
            "weights": self.candidate.weights,
            "beside": self.beside,
            "first_utc": self.first_utc,
            "last_utc": self.last_utc,
            **asdict(self.days),
            "earned": self.earned,
            "playing_earned": self.playing_earned,
            "unit": self.unit,
            "looks": self.looks,
        }

    def keep(self, path: Path) -> None:
        """Write it to `path`, durably and as a whole."""
        write_text(path, json.dumps(self.facts, indent=1))

    @classmethod
    def kept(cls, path: Path) -> "Verdict":
        """Read what `keep` wrote.

        Raises:
            RunError: it cannot be read, or is something else.
        """
        try:
            facts = _SHAPE(parsed(read_text(path, most=_MOST_BYTES)))
            candidate = PlayedModel.parsed(
                {name: facts[name] for name in ("number", "checkpoint", "weights")}
            )
        except (OSError, ValueError) as error:
            raise RunError(f"{path}: it is no verdict ({error})") from error
        days = PairedDays(**{name: facts[name] for name in PairedDays.__dataclass_fields__})
        rest = {name: facts[name] for name in _OWN}
        return cls(candidate, days=days, **rest)


def _amount(value: float) -> str:
    """A signed amount of three digits or, from a hundred on, without decimals."""
    return f"{value:+,.0f}" if abs(value) >= 100.0 else f"{value:+.3g}"


_OWN = dict.fromkeys(("beside", "first_utc", "last_utc", "unit", "looks"), text) | dict.fromkeys(
    ("earned", "playing_earned"), number
)
_SHAPE = record(
    {"number": count, "checkpoint": text, "weights": text}
    | dict.fromkeys(("days", "better", "worse"), count)
    | dict.fromkeys(("mean", "block_days"), number)
    | dict.fromkeys(("low", "high"), optional(number))
    | _OWN
)
