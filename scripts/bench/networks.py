"""Networks with random heads instead of zero ones, and roots to search from."""

from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.config.presets import FX_FACTORED, FX_MICRO
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.models import build_factored, build_muzero
from mlx_muzero.types import F32

OUTCOMES = len(OUTCOME_NAMES)
_RECURRENT = tuple(
    f"{name}_network." for name in ("outcome", "dynamics", "policy", "value", "afterstate")
)


def fx_micro() -> StochasticMuZero:
    """The preset's model, with random heads."""
    return with_random_heads(build_muzero(FX_MICRO, FX_ACTIONS))


def fx_factored() -> FactoredModel:
    """The preset's model, as it is before training: its speed is the same."""
    return build_factored(FX_FACTORED, FX_ACTIONS)


def recurrent_weights(model: StochasticMuZero) -> dict[str, F32]:
    """The networks a search evaluates, by parameter, and the values of the value bins."""
    weights = {
        name: np.asarray(array)
        for name, array in dict(tree_flatten(model.parameters())).items()
        if name.startswith(_RECURRENT)
    }
    return weights | {"support.centers": np.asarray(model.support.centers)}


@dataclass(frozen=True)
class Roots:
    """Roots to search from: latent [B, D], prior [B, A], value [B]."""

    latent: F32
    prior: F32
    value: F32

    @classmethod
    def of(cls, model: StochasticMuZero, count: int) -> "Roots":
        """Random latents, normalised like the model's own, with the model's priors and values."""
        numbers = np.random.default_rng(0).normal(size=(count, model.config.latent_width))
        latent = mx.array(numbers.astype(np.float32))
        prior = mx.softmax(model.policy_logits(latent), axis=-1)
        return cls(np.asarray(latent), np.asarray(prior), np.asarray(model.value(latent)))
