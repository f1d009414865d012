"""How fast each backend evaluates leaves here, as measured now or by an earlier profile."""

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlx_muzero import __version__
from mlx_muzero.config.choices import ConcreteBackend
from mlx_muzero.config.schema import ModelConfig, SearchConfig
from mlx_muzero.files.refusals import named
from mlx_muzero.machine import cache_folder, performance_cores


@dataclass(frozen=True)
class BackendSpeeds:
    """Leaves evaluated per second by each backend, on this machine.

    Attributes:
        leaves_per_s: by backend; not empty.
        profiled: whether an earlier ``mlx-muzero profile`` measured them.
    """

    leaves_per_s: dict[ConcreteBackend, float]
    profiled: bool = False

    @property
    def fastest(self) -> ConcreteBackend:
        """The fastest backend."""
        return max(self.leaves_per_s, key=self.leaves_per_s.__getitem__)

    def __str__(self) -> str:
        text = ", ".join(f"{name} {rate:,.0f}" for name, rate in self.leaves_per_s.items())
        return f"{text}; as profiled" if self.profiled else text


@dataclass(frozen=True)
class SpeedKey:
    """What speeds depend on: machine, versions, networks and search.

    They do not depend on a model's weights, so results for one run hold for all of the same size.
    """

    facts: dict[str, Any]

    @classmethod
    def of(
        cls, model: ModelConfig, actions: int, outcomes: int, search: SearchConfig, units: str
    ) -> "SpeedKey":
        """The key of searches with such networks on this machine.

        Args:
            model: sizes of the networks.
            actions: number of actions.
            outcomes: number of chance outcomes.
            search: the run's search settings, of which those that affect speed are used.
            units: units Core ML may use.
        """
        machine = {
            "node": platform.node(),
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": performance_cores(),
            "compute_units": units,
        }
        from importlib.metadata import version  # slow to import, and needed for "auto" only

        versions = {"mlx_muzero": __version__, "mlx": version("mlx")}
        # A required number of parameters only checks the sizes.
        networks = asdict(replace(model, parameters=0)) | {"actions": actions, "outcomes": outcomes}
        settings = {
            name: getattr(search, name)
            for name in ("planner", "expansion", "leaves_per_step", "threads")
        }
        return cls(machine | versions | networks | settings)

    @property
    def path(self) -> Path:
        """The file that stores the speeds."""
        digest = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()
        return cache_folder() / "speeds" / f"{digest}.json"


def remember(key: SpeedKey, speeds: BackendSpeeds) -> None:
    """Save `speeds` for `recall`, replacing older ones."""
    key.path.parent.mkdir(parents=True, exist_ok=True)
    aside = key.path.with_suffix(f".{os.getpid()}")
    found = {"key": key.facts, "leaves_per_s": speeds.leaves_per_s}
    with named(aside):
        aside.write_text(json.dumps(found, indent=1))
    aside.replace(key.path)


def recall(key: SpeedKey) -> BackendSpeeds | None:
    """Load the speeds saved last; None if there are none, or they cannot be read."""
    try:
        kept = json.loads(key.path.read_text())["leaves_per_s"]
        return BackendSpeeds({name: float(rate) for name, rate in kept.items()}, profiled=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
