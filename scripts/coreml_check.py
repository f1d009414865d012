"""Converts the fx_micro networks, loads the saved programs and compares them with MLX.

    python scripts/coreml_check.py

On a Mac Core ML compiles and runs the programs, on what MLX_MUZERO_COMPUTE_UNITS names or else on
all its units; elsewhere the NumPy interpreter runs them. Every output has to keep the bounds of an
export, in this process and in the child process that searches use. Exit codes are the command's:
8 when the programs are not the model, 9 when the child cannot run them.
"""

import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import numpy as np

from mlx_muzero.backends import make_evaluator
from mlx_muzero.config import ConcreteBackend
from mlx_muzero.coreml.deployment import Deployment
from mlx_muzero.coreml.export import export
from mlx_muzero.coreml.figures import Verification
from mlx_muzero.coreml.samples import made_up_samples
from mlx_muzero.coreml.verification import verify
from mlx_muzero.coreml.weights import weights_of
from mlx_muzero.errors import MuZeroError
from mlx_muzero.profiling.subject import Subject, preset_subject
from mlx_muzero.search import Search, SearchParams

SAMPLES = 64
ROOTS, SIMULATIONS = 16, 25


def main() -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            check(preset_subject(), Path(folder, "export"))
    except MuZeroError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


def check(subject: Subject, folder: Path) -> None:
    """Prints how far the programs are from the model, and raises where that is too far."""
    samples = made_up_samples(subject.model, SAMPLES)

    def verified(made: Path) -> Verification:
        found = verify(made, subject.model, subject.table, samples, quick=True)
        for engine in found.engines:
            print(engine.name, "; ".join(engine.problems(found.precision)) or "within bounds")
            for error in engine.outputs:
                print(f"  {error.program} {error.output}: {error.worst:.2g} of {error.largest:.3g}")
        return found

    export(weights_of(subject.model), subject.config, subject.name, folder, verified)
    backend: ConcreteBackend = "coreml" if sys.platform == "darwin" else "coreml-sim"
    same = (searched(subject, backend, folder) == searched(subject, "mlx", folder)).sum()
    print(f"{backend} in its child process: {same} of {ROOTS} decisions are those of mlx")


def searched(
    subject: Subject, backend: ConcreteBackend, folder: Path
) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """[ROOTS] actions that searches with `backend` end with."""
    model, search = subject.model, replace(subject.config.search, backend=backend)
    latent = model.representation(mx.array(made_up_samples(model, ROOTS).observation))
    searcher = Search(
        SearchParams.from_config(search, SIMULATIONS), subject.table.next_position, model.outcomes
    )
    with closing(make_evaluator(model, search, Deployment(folder))) as evaluator:
        prior, value = evaluator.predict(latent)
        zeros = np.zeros(ROOTS, np.int32)
        return searcher.run(evaluator, latent, prior, value, zeros, zeros, noise=False).action


if __name__ == "__main__":
    main()
