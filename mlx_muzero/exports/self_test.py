"""Tests on fixed inputs whether loaded programs compute what the model does.

Core ML can load and run a model and still be wrong: a batch collapsed to one row, a layout mistaken
for another, the wrong weights.
"""

from mlx_muzero.exports.figures import EngineFigures
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.program import ComputeUnits, Engine, ProgramSet
from mlx_muzero.exports.samples import random_samples
from mlx_muzero.networks.kinds import Model

SAMPLES = 40
"""Number that leaves some rows of each program empty and calls small programs several times."""


def self_test(
    programs: ProgramSet,
    manifest: Manifest,
    model: Model,
    engine: Engine,
    compute_units: ComputeUnits,
) -> str | None:
    """Describe the first output of `programs` that differs from `model`; None if none does.

    The bounds are those of an export's verification (`mlx_muzero.exports.figures.BOUNDS`).
    """
    errors = output_errors(programs, manifest.sizes, model, random_samples(model, SAMPLES))
    figures = EngineFigures(engine, compute_units, tuple(errors))
    return next(iter(figures.problems(manifest.exactness)), None)
