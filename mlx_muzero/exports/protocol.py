"""What the parent and the child process that runs programs say to each other.

The child's one argument is a `Job`. It answers once when all programs are loaded, and then every
request, in turn. A request is the key of a program, whose inputs the parent has put into the
shared memory; an answer is empty, the outputs then lie there too, or says what went wrong. A
request depends on nothing before it, so another process can be asked again.
"""

import json
from dataclasses import asdict, dataclass

from mlx_muzero.exports.program import ComputeUnits, Engine


@dataclass(frozen=True)
class Job:
    """What a child process is started for.

    Attributes:
        folder: of the export.
        programs: keys of the programs to load.
        engine: what runs them.
        compute_units: what Core ML may compute on.
        loader: function that loads a program, ``module:function``.
        channel: inherited descriptor of the socket that requests and answers go through.
        memory: inherited descriptor of the shared memory.
        load_s: after so long loading has failed.
        answer_s: after so long a request has.
    """

    folder: str
    programs: list[str]
    engine: Engine
    compute_units: ComputeUnits
    loader: str
    channel: int
    memory: int
    load_s: float
    answer_s: float

    def to_argument(self) -> str:
        """This job as a command-line argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, argument: str) -> "Job":
        """The job that `to_argument` wrote."""
        return cls(**json.loads(argument))
