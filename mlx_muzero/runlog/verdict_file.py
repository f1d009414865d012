"""The newest verdict on a run, kept in its folder for `status` (`mlx_muzero.evaluation.luck`)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from mlx_muzero.files.regular import write_text
from mlx_muzero.runlog.kept_facts import DamagedFile, kept_facts
from mlx_muzero.untrusted.shapes import one_of, record, sequence, text

Call = Literal["skill", "not shown", "loses", "too short"]
CALLS: tuple[Call, ...] = get_args(Call)
EXIT_CODES: Mapping[Call, int] = {"skill": 0, "not shown": 21, "loses": 22, "too short": 23}
"""For scripts that ask for them."""

FILE = "verdict.json"
_MOST_BYTES = 2**16
_SHAPE = record(
    {"call": one_of(CALLS), "reasons": sequence(text, most=2), "about": text, "time": text}
)


@dataclass(frozen=True)
class VerdictFile:
    """A verdict with what it is about.

    Attributes:
        call: the verdict.
        reasons: that decided.
        about: the bars and the checkpoint, in words.
        time: UTC time of the verdict, ISO 8601.
    """

    call: Call
    reasons: tuple[str, ...]
    about: str
    time: str

    def save(self, run: Path) -> str | None:
        """Write it to the folder `run`; what kept it from being written, if anything did."""
        try:
            write_text(run / FILE, json.dumps(asdict(self)))
        except OSError as error:
            return f"{run / FILE}: {error.strerror or error}"
        return None

    @classmethod
    def load(cls, run: Path) -> "VerdictFile | str | None":
        """The verdict in the folder `run`, None without one, or what is wrong with the file."""
        try:
            found = kept_facts(run / FILE, _SHAPE, _MOST_BYTES)
        except FileNotFoundError:
            return None
        except DamagedFile as damage:
            return str(damage)
        reasons = tuple(found["reasons"])
        return cls(found["call"], reasons, found["about"], found["time"])

    @classmethod
    def told(cls, run: Path) -> str | None:
        """The verdict in the folder `run` in one line, or what is wrong with it; None without."""
        found = cls.load(run)
        return found.words if isinstance(found, VerdictFile) else found

    @property
    def words(self) -> str:
        """The verdict in one line."""
        return f"{in_words(self.call, self.reasons)} ({self.about}, {self.time[:16]} UTC)"


def in_words(call: str, reasons: Sequence[str]) -> str:
    """A verdict in one line."""
    return f"Verdict: {call}. {'; '.join(reasons)}."
