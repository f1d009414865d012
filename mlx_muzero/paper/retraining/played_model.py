"""The models that a session plays, one after the other."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.runlog.logs import CANDIDATE_LOG, CANDIDATES
from mlx_muzero.training.checkpoint import NAME
from mlx_muzero.untrusted.shapes import Malformed, count, record, text

_NAME_DIGITS = 16


@dataclass(frozen=True)
class PlayedModel:
    """A model that a session plays or played.

    Attributes:
        number: of the candidate; 0: the run that the session was started with.
        checkpoint: name of its checkpoint.
        weights: SHA-256 of its weights.
    """

    number: int
    checkpoint: str
    weights: str

    @property
    def name(self) -> str:
        """By which the journal's minutes call it: the digest's beginning."""
        return self.weights[:_NAME_DIGITS]

    @property
    def title(self) -> str:
        """What reports call it."""
        return f"candidate {self.number}" if self.number else "the run"

    @property
    def state(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        return asdict(self)

    @classmethod
    def parsed(cls, facts: Any) -> "PlayedModel":
        """Inverse of `state`, from a store that anybody may have written.

        Raises:
            Malformed: it is none.
        """
        found = _SHAPE(facts)
        if found["number"] and not NAME.fullmatch(found["checkpoint"]):
            raise Malformed("the name of a checkpoint")
        return cls(**{name: found[name] for name in _FIELDS})


_FIELDS = {"number": count, "checkpoint": text, "weights": text}
_SHAPE = record(_FIELDS)


@dataclass(frozen=True)
class CandidateFolder:
    """``candidates/NNNN/`` in a session's folder: what becomes of one candidate.

    ``bars.duckdb`` holds the bars until its training began, ``candidate-NNNN/`` is its training
    run, ``log.txt`` what its process said, and ``verdict.json`` how it was judged.
    """

    path: Path
    number: int

    @classmethod
    def of(cls, session: Path, number: int) -> "CandidateFolder":
        """The folder of candidate `number` of the session in the folder `session`."""
        return cls(session / CANDIDATES / f"{number:04d}", number)

    @property
    def bars_path(self) -> Path:
        """The store of its bars, whole or absent."""
        return self.path / "bars.duckdb"

    @property
    def run_path(self) -> Path:
        """Its training run."""
        return self.path / f"candidate-{self.number:04d}"

    @property
    def log_path(self) -> Path:
        """What its process says."""
        return self.path / CANDIDATE_LOG

    @property
    def verdict_path(self) -> Path:
        """How it was judged."""
        return self.path / "verdict.json"


def run_of(model: PlayedModel, session: Path, original: str) -> Path:
    """The run of `model`, played by the session in the folder `session`.

    Args:
        model: which.
        session: the session's folder.
        original: the run that the session was started with.
    """
    if not model.number:
        return Path(original)
    return CandidateFolder.of(session, model.number).run_path
