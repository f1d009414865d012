"""What is profiled: a model with its configuration, and its exports if there are any."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import ConcreteBackend, ExportFormat, Precision
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config, SearchConfig
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.exports.formats import FORMATS
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.training.models import build_model, load_model
from mlx_muzero.training.run import RunFolder

AModel = TypeVar("AModel", bound=Model)

_WEIGHTS, _CONFIG, _REST = "weights.safetensors", "config.toml", "subject.json"


@dataclass(frozen=True, eq=False)
class Subject:
    """A model to profile.

    Attributes:
        name: display name.
        config: its configuration.
        model: has the weights that `exports` were made from.
        exports: folder of its export in each format in which there is one that can be used.
        no_export: why there is none, for the other formats.
        loader: loads the exports' programs (see `Deployment`).
    """

    name: str
    config: Config
    model: Model
    exports: Mapping[ExportFormat, Path]
    no_export: Mapping[ExportFormat, str] = field(default_factory=dict)
    loader: str | None = None

    @property
    def rules(self) -> TradingRules:
        """The rules of its training."""
        return TradingRules.from_config(self.config)

    @property
    def table(self) -> ActionTable:
        """The model's action table."""
        return self.rules.table

    @property
    def expansion(self) -> str:
        """What is evaluated together, in a word or two."""
        if isinstance(self.model, FactoredModel):
            return "market states"
        return self.config.search.expansion

    def search_on(
        self, backend: ConcreteBackend, precision: Precision | None = None
    ) -> SearchConfig:
        """Its search, on `backend`, in its own precision or in another."""
        search = self.config.search
        return replace(search, backend=backend, precision=precision or search.precision)

    @property
    def deployment(self) -> Deployment | None:
        """The deployment of the exports."""
        return Deployment(self.exports, loader=self.loader) if self.exports else None

    def save(self, folder: Path) -> None:
        """Save into a folder, for `load` in another process."""
        self.model.save_weights(str(folder / _WEIGHTS))
        (folder / _CONFIG).write_text(config_toml.dumps(self.config))
        exports = {name: str(path) for name, path in self.exports.items()}
        rest = {"name": self.name, "exports": exports, "loader": self.loader}
        (folder / _REST).write_text(json.dumps(rest))

    @classmethod
    def load(cls, folder: Path) -> "Subject":
        """Load what was saved into `folder`."""
        config = config_toml.load(folder / _CONFIG)
        model = build_model(config, TradingRules.from_config(config).table)
        model.load_weights(str(folder / _WEIGHTS), strict=True)
        model.eval()
        rest = json.loads((folder / _REST).read_text())
        exports = {name: Path(path) for name, path in rest["exports"].items()}
        return cls(rest["name"], config, model, exports, loader=rest["loader"])


def preset_subject(preset: Literal["fx_micro", "fx_factored"] = "fx_micro") -> Subject:
    """The networks of a preset with random weights and random heads."""
    config = PRESETS[preset]
    model = with_random_heads(build_model(config, TradingRules.from_config(config).table))
    reason = f"{preset} with random weights has no export; profile a run that was exported"
    no_export = dict.fromkeys(FORMATS, reason)
    return Subject(f"{preset}, random weights", config, model, {}, no_export)


def run_subject(run: Path) -> Subject:
    """The best model of the run in `run`, with the exports there that are of that model.

    Raises:
        RunError: the run does not exist, or has no checkpoint yet.
    """
    folder = RunFolder(run)
    config = folder.config()
    model, checkpoint = load_model(folder, TradingRules.from_config(config).table, "best")
    name = f"{run}, checkpoint {checkpoint}"
    exports: dict[ExportFormat, Path] = {}
    no_export: dict[ExportFormat, str] = {}
    for made_for, path in folder.export_paths.items():
        try:
            current_manifest(model, path, made_for)
        except ExportError as error:
            no_export[made_for] = str(error)
        else:
            exports[made_for] = path
    return Subject(name, config, model, exports, no_export)


def with_random_heads(model: AModel) -> AModel:
    """Give `model` random heads, since new ones start at zero.

    With zero heads all values would be equal, whatever the input, and trees unlike trained ones.
    """
    for number, head in enumerate(_heads(model)):
        head.weight = mx.random.normal(head.weight.shape, scale=0.1, key=mx.random.key(number))
    mx.eval(model.parameters())
    return model


def _heads(model: Model) -> Iterator[nn.Linear]:
    """Layers whose outputs are policies, values, rewards, or what stands for them."""
    if isinstance(model, FactoredModel):
        for member in model.members:
            for head in (member.outcome_head, member.move_head, member.worth_head):
                yield head.output
    else:
        yield model.policy_network.logits
        yield model.value_network.logits
        yield model.dynamics_network.reward
