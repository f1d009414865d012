"""The protocol between the parent and the child process that runs programs.

The child's only argument is a `Job`. It answers once when all programs are loaded, then each
request in turn. A request is the key of a program whose inputs the parent has put into shared
memory. An answer is empty if the outputs are in shared memory, or else says what went wrong. No
request depends on an earlier one, so another process can be asked again.
"""

import json
from dataclasses import asdict, dataclass

from mlx_muzero.exports.program import ComputeUnits, Engine


@dataclass(frozen=True)
class Job:
    """The task of a child process.

    Attributes:
        folder: folder of the export.
        programs: keys of the programs to load.
        engine: runs the programs.
        compute_units: units its framework may use.
        loader: function that loads a program, ``module:function``; None for that of the format.
        channel: inherited descriptor of the socket for requests and answers.
        memory: inherited descriptor of the shared memory.
        load_s: time limit for loading.
        answer_s: time limit for a request.
    """

    folder: str
    programs: list[str]
    engine: Engine
    compute_units: ComputeUnits
    loader: str | None
    channel: int
    memory: int
    load_s: float
    answer_s: float

    def to_argument(self) -> str:
        """Encode the job as a command-line argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, argument: str) -> "Job":
        """Decode what `to_argument` returned."""
        return cls(**json.loads(argument))
