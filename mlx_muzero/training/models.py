"""Builds models from a configuration: new from a seed, or trained from a run's checkpoint."""

import mlx.core as mx
from mlx.utils import tree_flatten

from mlx_muzero.config.known_inputs import KnownInputs
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError, RunError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import history_columns, market_feature_names
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.model import DECODER, StochasticMuZero
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.env import observation_features
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.checkpoint import UnreadableCheckpoint
from mlx_muzero.training.progress import Counters
from mlx_muzero.training.run import RunFolder, misfit, require_schema
from mlx_muzero.types import I64
from mlx_muzero.words import command

_MEASURED_WINDOWS = 4096

_BY_NAME = (
    "A paper session or export that started with it cannot use another: restore that folder from a "
    "copy (a paper backup contains one), or start a new session or export."
)


def build_model(config: Config, table: ActionTable) -> Model:
    """Make an untrained model for `config`, with weights drawn from the run's seed."""
    if config.model.kind == "muzero":
        return build_muzero(config, table)
    return build_factored(config, table)


def build_factored(config: Config, table: ActionTable) -> FactoredModel:
    """Make an untrained model of the market alone, whatever `model.kind` says."""
    model = FactoredModel(
        config.model,
        features=len(market_feature_names(config.market)),
        history=history_columns(config.market),
        exposures=AccountStates(table, config.trading.max_entries).exposures.tolist(),
        outcomes=len(OUTCOME_NAMES),
        window_bars=config.market.window_bars,
        known=KnownInputs.of(config),
        seed=config.train.seed,
    )
    mx.eval(model.parameters())
    model.eval()
    return model


def build_muzero(config: Config, table: ActionTable) -> StochasticMuZero:
    """Make an untrained model of market and account, whatever `model.kind` says."""
    model = StochasticMuZero(
        config.model,
        features=len(observation_features(config)),
        actions=len(table.action_names),
        outcomes=len(OUTCOME_NAMES),
        window_bars=config.market.window_bars,
        decoded=0 if config.train.phase == "search" else len(market_feature_names(config.market)),
        seed=config.train.seed,
    )
    mx.eval(model.parameters())
    model.eval()
    return model


def measure_observations(model: Model, dataset: MarketDataset, bars: I64 | None = None) -> None:
    """Give an untrained `model` the statistics of the training split's observations, or of `bars`.

    Account columns of an observation lie between -1 and 1 and are not normalized.
    """
    bars = dataset.training_decisions() if bars is None else bars
    windows = dataset.windows(spread_evenly(bars, _MEASURED_WINDOWS))
    for networks in model.members if isinstance(model, FactoredModel) else (model,):
        networks.representation_network.observation_norm.measure(windows)


def begin_from(model: Model, weights: dict[str, mx.array]) -> None:
    """Give `model` the weights of another model, which may differ in having a next-bar decoder.

    Raises:
        ValueError: other networks differ too.
    """
    own = dict(tree_flatten(model.parameters()))
    kept = {name: array for name, array in own.items() if name.startswith(DECODER)}
    given = {
        name: array
        for name, array in weights.items()
        if name in own or not name.startswith(DECODER)
    }
    model.load_weights(list((kept | given).items()), strict=True)
    model.eval()


def starting_weights(
    folder: RunFolder, config: Config, table: ActionTable
) -> tuple[dict[str, mx.array], str]:
    """Weights of the best checkpoint of the run in `folder`, and the checkpoint's path.

    Raises:
        ConfigError: the run's model is of another kind.
        RunError: as for `load_model`, or a model of `config` has other networks.
    """
    kind = folder.config().model.kind
    if kind != config.model.kind:
        raise ConfigError(
            f'{folder.path} has a model of model.kind = "{kind}", and the new run one of '
            f'"{config.model.kind}": their networks share no weights. Start from a run of the '
            "same kind, or from none."
        )
    model, name = load_model(folder, table, "best")
    path = folder.checkpoints.folder / name
    weights = dict(tree_flatten(model.parameters()))
    try:
        begin_from(build_model(config, table), weights)
    except ValueError as error:
        raise misfit(path, error) from error
    return weights, str(path)


def counters_of(folder: RunFolder, name: str) -> Counters:
    """Counters of the run in `folder` at its checkpoint `name`; errors as `load_model`."""
    path = folder.checkpoints.folder / name
    try:
        return Counters.parsed(checkpoints.load_state(path)["counters"])
    except (KeyError, ValueError) as error:
        raise misfit(path, error) from error


def validation_warning(folder: RunFolder, name: str) -> str | None:
    """A warning to show before checkpoint `name` plays, if no validation chose it.

    None if a search has been validated and the checkpoint is not of an earlier phase.
    """
    phase = counters_of(folder, name).phase
    if folder.checkpoints.validated and phase == "search":
        return None
    train = folder.config().train
    why = (
        f"was never validated: the first validation is after {train.validate_interval:,} episodes "
        "or at the end"
        if phase == "search"
        else f"has not validated a search yet: checkpoint {name} is from its {phase} phase"
    )
    way_on = (
        "continue training in the run it was copied from"
        if checkpoints.holds_only_weights(folder.checkpoints.folder / name)
        else f"continue training with: {command('train', '--run', folder.path, '--resume')}"
    )
    return f"{folder.path} {why}. How good checkpoint {name} is, is unknown; {way_on}"


def load_model(folder: RunFolder, table: ActionTable, which: str) -> tuple[Model, str]:
    """Load a model of a run; return it with its checkpoint's name.

    `which` is "best", "latest" or a checkpoint's name.

    Raises:
        RunError: the checkpoint does not exist, is damaged, or was not written for this
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
            raise RunError(f"{folder.path} no longer has checkpoint {which}. {_BY_NAME}")
    try:
        state, weights = checkpoints.load_state(path), checkpoints.load_weights(path)
    except UnreadableCheckpoint as error:
        if which in ("best", "latest"):
            raise
        raise RunError(f"{error.why} {_BY_NAME}") from error
    require_schema(state, folder.config(), table, path)
    model = build_model(folder.config(), table)
    try:
        model.load_weights(list(weights.items()), strict=True)
    except ValueError as error:
        raise misfit(path, error) from error
    model.eval()
    return model, path.name
