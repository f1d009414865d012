"""Whether loaded programs do what the model does, on fixed inputs.

Core ML can load a model, run it and be wrong: a batch that collapses to one row, a layout taken for
another, weights that are not these.
"""

from mlx_muzero.exports.figures import EngineFigures
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.program import ComputeUnits, Engine, ProgramSet
from mlx_muzero.exports.samples import made_up_samples
from mlx_muzero.networks.model import StochasticMuZero

SAMPLES = 40
"""Some of each program's rows stay empty, and small programs are called several times."""


def self_test(
    programs: ProgramSet,
    manifest: Manifest,
    model: StochasticMuZero,
    engine: Engine,
    compute_units: ComputeUnits,
) -> str | None:
    """The first output of `programs` that is not that of `model`; None if there is none.

    The bounds are those of an export's verification (`mlx_muzero.exports.figures.BOUNDS`).
    """
    errors = output_errors(programs, manifest.sizes, model, made_up_samples(model, SAMPLES))
    figures = EngineFigures(engine, compute_units, tuple(errors))
    return next(iter(figures.problems(manifest.precision)), None)
