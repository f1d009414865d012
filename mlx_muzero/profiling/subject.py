"""What is profiled: a model with its configuration, and its export if there is one."""

import json
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.coreml.loading import LOAD_PROGRAM
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.training.models import build_muzero, load_model
from mlx_muzero.training.run import RunFolder

_WEIGHTS, _CONFIG, _REST = "weights.safetensors", "config.toml", "subject.json"


@dataclass(frozen=True, eq=False)
class Subject:
    """A model to profile.

    Attributes:
        name: display name.
        config: its configuration.
        model: has the weights that `export` was made from.
        export: folder of its export; None if there is none that can be used.
        no_export: why there is none.
        loader: loads the export's programs (see `Deployment`).
    """

    name: str
    config: Config
    model: StochasticMuZero
    export: Path | None
    no_export: str = ""
    loader: str = LOAD_PROGRAM

    @property
    def table(self) -> ActionTable:
        """The model's action table."""
        return TradingRules.from_config(self.config).table

    @property
    def deployment(self) -> Deployment | None:
        """The deployment of the export."""
        return None if self.export is None else Deployment(self.export, loader=self.loader)

    def save(self, folder: Path) -> None:
        """Save into a folder, for `load` in another process."""
        self.model.save_weights(str(folder / _WEIGHTS))
        (folder / _CONFIG).write_text(config_toml.dumps(self.config))
        export = None if self.export is None else str(self.export)
        rest = {"name": self.name, "export": export, "loader": self.loader}
        (folder / _REST).write_text(json.dumps(rest))

    @classmethod
    def load(cls, folder: Path) -> "Subject":
        """Load what was saved into `folder`."""
        config = config_toml.load(folder / _CONFIG)
        model = build_muzero(config, TradingRules.from_config(config).table)
        model.load_weights(str(folder / _WEIGHTS), strict=True)
        model.eval()
        rest = json.loads((folder / _REST).read_text())
        export = None if rest["export"] is None else Path(rest["export"])
        return cls(rest["name"], config, model, export, loader=rest["loader"])


def preset_subject() -> Subject:
    """The networks of fx_micro with random weights and random heads."""
    table = TradingRules.from_config(FX_MICRO).table
    model = with_random_heads(build_muzero(FX_MICRO, table))
    reason = "fx_micro with random weights has no export; profile a run that was exported"
    return Subject("fx_micro, random weights", FX_MICRO, model, None, reason)


def run_subject(run: Path) -> Subject:
    """The best model of the run in `run`, with the export there if it is of that model.

    Raises:
        RunError: the run does not exist, or has no checkpoint yet.
    """
    folder = RunFolder(run)
    config = folder.config()
    loaded, checkpoint = load_model(folder, TradingRules.from_config(config).table, "best")
    model = require_muzero(loaded, f"profile {run}")
    name = f"{run}, checkpoint {checkpoint}"
    try:
        current_manifest(model, folder.export_path)
    except ExportError as error:
        return Subject(name, config, model, None, str(error))
    return Subject(name, config, model, folder.export_path)


def with_random_heads(model: StochasticMuZero) -> StochasticMuZero:
    """Give `model` random policy, value and reward heads, since new ones start at zero.

    With zero heads all values would be equal, whatever the input, and trees unlike trained ones.
    """
    heads = (
        model.policy_network.logits,
        model.value_network.logits,
        model.dynamics_network.reward,
    )
    for number, head in enumerate(heads):
        head.weight = mx.random.normal(head.weight.shape, scale=0.1, key=mx.random.key(number))
    mx.eval(model.parameters())
    return model
