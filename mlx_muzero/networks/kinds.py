"""The kinds of learned models, by `model.kind`."""

from typing import TypeAlias

from mlx_muzero.errors import ConfigError
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.model import StochasticMuZero

Model: TypeAlias = StochasticMuZero | FactoredModel


def require_muzero(model: Model, what: str) -> StochasticMuZero:
    """`model`, if it is one of market and account.

    Raises:
        ConfigError: it is not, and `what`, in words, exists only for those.
    """
    if isinstance(model, FactoredModel):
        raise ConfigError(
            f'{what}: not for a factored model, only for those with model.kind = "muzero"'
        )
    return model
