"""Converts both kinds of networks, loads the saved programs and compares them with MLX.

    python scripts/coreml_check.py

On a Mac Core ML compiles and runs the programs, on what MLX_MUZERO_COMPUTE_UNITS names or else on
all its units; elsewhere the NumPy interpreter runs them. Every output has to keep the bounds of an
export, in this process and in the child process that searches use. Exit codes are the command's:
8 when the programs are not the model, 9 when the child cannot run them.
"""

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np

from mlx_muzero.agent.make import make_agent
from mlx_muzero.config.choices import ConcreteBackend
from mlx_muzero.errors import EngineLost, MuZeroError
from mlx_muzero.exports.deployment import Deployment, EngineEvent
from mlx_muzero.exports.devices import devices
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.samples import random_samples
from mlx_muzero.exports.verification import verify
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.profiling.subject import Subject, preset_subject
from mlx_muzero.types import I32

SAMPLES = 64
ROOTS, SIMULATIONS = 16, 25
PRESETS: tuple[Literal["fx_micro", "fx_factored"], ...] = ("fx_micro", "fx_factored")


def main() -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            for preset in PRESETS:
                print(preset)
                check(preset_subject(preset), Path(folder, preset))
    except MuZeroError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


def check(subject: Subject, folder: Path) -> None:
    """Print how far the programs are from the model; raise if that is too far."""
    samples = random_samples(subject.model, SAMPLES)

    def verified(made: Path) -> Verification:
        found = verify(made, subject.model, subject.table, samples, devices("coreml"), quick=True)
        for engine in found.engines:
            print(engine.name, "; ".join(engine.problems(found.precision)) or "within bounds")
            for error in engine.outputs:
                print(f"  {error.program} {error.output}: {error.worst:.2g} of {error.largest:.3g}")
        return found

    export(weights_of(subject.model), subject.config, subject.name, folder, verified)
    backend: ConcreteBackend = "coreml" if sys.platform == "darwin" else "coreml-sim"
    same = (searched(subject, backend, folder) == searched(subject, "mlx", folder)).sum()
    print(f"{backend} in its child process: {same} of {ROOTS} decisions are those of mlx")


def searched(subject: Subject, backend: ConcreteBackend, folder: Path) -> I32:
    """Actions chosen by searches with `backend`, i32[ROOTS]."""
    deployment = Deployment({"coreml": folder}, report=refuse)
    agent = make_agent(subject.model, subject.search_on(backend), subject.rules, deployment)
    with closing(agent):
        observation = random_samples(subject.model, ROOTS).observation
        flat, seed = np.zeros(ROOTS, np.int32), np.zeros(ROOTS, np.uint64)
        return agent.plan(observation, flat, seed, simulations=SIMULATIONS, noise=False).action


def refuse(event: EngineEvent) -> None:
    """Fail on any restart or fallback: this check must use the exported programs."""
    raise EngineLost(str(event))


if __name__ == "__main__":
    main()
