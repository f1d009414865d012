"""What the checks of ``mlx-muzero doctor --mac`` have in common."""

from dataclasses import astuple

import mlx.core as mx
import numpy as np

from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.leaves import some_leaves
from mlx_muzero.search import Leaves
from mlx_muzero.search.evaluator import Evaluator
from mlx_muzero.types import F32

ROOTS = 16


class DoesNotHold(Exception):
    """A claim is wrong here, with what was found instead."""


class Unavailable(Exception):
    """A claim cannot be asked here, and what to do about it."""


def model_of(lab: Lab) -> StochasticMuZero:
    """The model that is checked."""
    return require_muzero(lab.subject.model, "these checks")


def expansion(evaluator: Evaluator[mx.array], model: StochasticMuZero) -> list[F32]:
    """What an evaluator says of the leaves of `ROOTS` roots, output by output."""
    random = np.random.default_rng(0)
    latents = random.normal(size=(ROOTS, model.config.latent_width)).astype(np.float32)
    roots = np.arange(ROOTS, dtype=np.int32)
    leaves = some_leaves(model, "all_outcomes", ROOTS)
    assert isinstance(leaves, Leaves)
    evaluator.reset(mx.array(np.maximum(latents, 0.0)), roots, ROOTS * (1 + model.outcomes))
    return list(astuple(evaluator.expand(leaves)))
