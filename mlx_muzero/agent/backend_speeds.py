"""How fast each backend evaluates here, as measured now or by an earlier profile."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from mlx_muzero import __version__
from mlx_muzero.config.choices import Backend, ConcreteBackend
from mlx_muzero.config.schema import ModelConfig, SearchConfig
from mlx_muzero.files.cached import keep_json
from mlx_muzero.machine import cache_folder, identity, performance_cores

WORTH_A_CHANGE = 1.1
"""How many times as fast another backend must be: encoders that MLX computes are equally fast."""


@dataclass(frozen=True)
class BackendSpeeds:
    """What each backend evaluates per second, on this machine.

    Attributes:
        leaves_per_s: leaves by backend; not empty.
        profiled: whether an earlier ``mlx-muzero profile`` measured them.
        roots_per_s: roots by backend, each by all of its own programs; only a profile knows them.
        outdated: why an earlier profile does not count; empty if it does, or there is none.
    """

    leaves_per_s: dict[ConcreteBackend, float]
    profiled: bool = False
    roots_per_s: dict[Backend, float] = field(default_factory=dict)
    outdated: str = ""

    @property
    def fastest(self) -> ConcreteBackend:
        """The backend that is fastest at leaves."""
        return max(self.leaves_per_s, key=self.leaves_per_s.__getitem__)

    def root_instead_of(self, usual: Backend, usable: Collection[Backend]) -> Backend:
        """The backend of `usable` that is fastest at roots; `usual` if none is much faster."""
        rates = {name: rate for name, rate in self.roots_per_s.items() if name in usable}
        fastest = max(rates, key=rates.__getitem__, default=usual)
        known = self.roots_per_s.get(usual, 0.0)
        return fastest if rates and rates[fastest] > WORTH_A_CHANGE * known else usual

    def __str__(self) -> str:
        text = ", ".join(f"{name} {rate:,.0f}" for name, rate in self.leaves_per_s.items())
        if self.profiled:
            return f"{text}; as profiled"
        return f"{text}; measured now: {self.outdated}" if self.outdated else text


@dataclass(frozen=True)
class SpeedKey:
    """What speeds depend on: machine, versions, networks, search and kernels.

    They do not depend on a model's weights, so results for one run hold for all of the same size.

    Attributes:
        facts: all but the kernels. Speeds are kept by them.
        kernels: that the native backend computes with. Speeds found with others are outdated.
    """

    facts: dict[str, Any]
    kernels: str

    @classmethod
    def of(
        cls,
        model: ModelConfig,
        actions: int,
        outcomes: int,
        search: SearchConfig,
        units: str,
        kernels: str,
    ) -> "SpeedKey":
        """The key of searches with such networks on this machine.

        Args:
            model: sizes of the networks.
            actions: number of actions.
            outcomes: number of chance outcomes.
            search: the run's search settings, of which those that affect speed are used.
            units: units Core ML may use.
            kernels: that the native backend computes with.
        """
        machine = identity() | {"cores": performance_cores(), "compute_units": units}
        from importlib.metadata import version  # slow to import, and needed for "auto" only

        versions = {"mlx_muzero": __version__, "mlx": version("mlx")}
        # A required number of parameters only checks the sizes.
        networks = asdict(replace(model, parameters=0)) | {"actions": actions, "outcomes": outcomes}
        settings = {
            name: getattr(search, name)
            for name in ("planner", "expansion", "leaves_per_step", "threads")
        }
        if search.precision not in ("float32", "auto"):
            settings["precision"] = search.precision
        return cls(machine | versions | networks | settings, kernels)

    @property
    def path(self) -> Path:
        """The file that stores the speeds."""
        digest = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()
        return cache_folder() / "speeds" / f"{digest}.json"


def remember(key: SpeedKey, speeds: BackendSpeeds) -> None:
    """Save `speeds` for `recall`, replacing older ones."""
    found = {
        "key": key.facts,
        "kernels": key.kernels,
        "leaves_per_s": speeds.leaves_per_s,
        "roots_per_s": speeds.roots_per_s,
    }
    keep_json(key.path, found)


def recall(key: SpeedKey) -> BackendSpeeds | None:
    """Load the speeds saved last; None if there are none, they are outdated or cannot be read."""
    kept = _kept(key)
    return kept.speeds if kept is not None and kept.kernels == key.kernels else None


def outdated(key: SpeedKey) -> str:
    """Why the speeds saved last do not count; empty if they do, or there are none."""
    kept = _kept(key)
    if kept is None or kept.kernels == key.kernels:
        return ""
    earlier = f"with {kept.kernels} kernels" if kept.kernels else "without telling its kernels"
    return (
        f"a profile was made {earlier}, and native computes with {key.kernels}; mlx-muzero profile "
        "renews it"
    )


class _Kept(NamedTuple):
    """Speeds that were saved, and the kernels of that time; empty if the file does not tell."""

    speeds: BackendSpeeds
    kernels: str


def _kept(key: SpeedKey) -> _Kept | None:
    try:
        kept = json.loads(key.path.read_text())
        # Profiles of earlier builds know no roots, and no kernels.
        leaves, roots = (
            {name: float(rate) for name, rate in rates.items()}
            for rates in (kept["leaves_per_s"], kept.get("roots_per_s", {}))
        )
        speeds = BackendSpeeds(leaves, profiled=True, roots_per_s=roots)
        return _Kept(speeds, str(kept.get("kernels", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
