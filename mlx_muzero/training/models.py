"""Models by configuration: fresh from a seed, or trained from a run's checkpoint."""

import mlx.core as mx

from mlx_muzero.config import Config
from mlx_muzero.errors import RunError
from mlx_muzero.market.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.env import observation_features
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.run import RunFolder, misfit, require_schema


def build_model(config: Config, table: ActionTable) -> StochasticMuZero:
    """An untrained model for `config`, its weights drawn from the run's seed."""
    model = StochasticMuZero(
        config.model,
        features=len(observation_features(config)),
        actions=len(table.action_names),
        outcomes=len(OUTCOME_NAMES),
        window_bars=config.market.window_bars,
        seed=config.train.seed,
    )
    mx.eval(model.parameters())
    model.eval()
    return model


def load_model(folder: RunFolder, table: ActionTable, which: str) -> tuple[StochasticMuZero, str]:
    """A model of a run and the name of its checkpoint: the "best", the "latest" or one by name.

    Raises:
      RunError: there is no such checkpoint, it is damaged, or it was not written for this
        configuration or program.
    """
    store = folder.checkpoints
    if which in ("best", "latest"):
        path = store.best() if which == "best" else store.latest()
        if path is None:
            raise RunError(f"{folder.path} has no {which} checkpoint yet: train it longer.")
    else:
        path = store.folder / which
        if not path.exists():
            raise RunError(f"{folder.path} does not keep checkpoint {which} any more.")
    state = checkpoints.load_state(path)
    require_schema(state, folder.config(), table, path)
    model = build_model(folder.config(), table)
    try:
        model.load_weights(list(checkpoints.load_weights(path).items()), strict=True)
    except ValueError as error:
        raise misfit(path, error) from error
    model.eval()
    return model, path.name
