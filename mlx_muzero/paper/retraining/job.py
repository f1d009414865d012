"""What the process that makes a candidate is told."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.paper.retraining.played_model import CandidateFolder, PlayedModel

MODULE = "mlx_muzero.paper.retraining.candidate"
"""The module that makes a candidate in a process of its own."""


@dataclass(frozen=True)
class Job:
    """One candidate to make.

    Attributes:
        session: the session's folder.
        number: of the candidate.
        until_ns: end of the last bar it may know.
        playing: the model it is judged beside.
    """

    session: Path
    number: int
    until_ns: int
    playing: PlayedModel

    @property
    def text(self) -> str:
        """The job as the process's argument, without its lifeline."""
        return json.dumps(asdict(self) | {"session": str(self.session)})

    @classmethod
    def parsed(cls, facts: dict[str, Any]) -> "Job":
        """Inverse of `text`."""
        playing = PlayedModel.parsed(facts["playing"])
        return cls(Path(facts["session"]), facts["number"], facts["until_ns"], playing)

    @property
    def folder(self) -> CandidateFolder:
        """What becomes of it."""
        return CandidateFolder.of(self.session, self.number)
