"""What can be measured on this machine: a backend, and the device under it."""

import sys
from dataclasses import dataclass
from typing import Literal

import mlx.core as mx

from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.config.choices import ConcreteBackend
from mlx_muzero.exports.deployment import units_to_try
from mlx_muzero.exports.program import ComputeUnits


@dataclass(frozen=True)
class Target:
    """A backend on a device.

    Attributes:
        backend: as `search.backend` names it.
        device: MLX's for the whole measurement; None for its default.
        units: what Core ML may compute on; None for other backends.
    """

    backend: ConcreteBackend
    device: Literal["cpu", "gpu"] | None = None
    units: ComputeUnits | None = None

    @property
    def name(self) -> str:
        """What to call it: ``mlx-cpu``, ``coreml CPU_AND_NE``."""
        if self.units is not None:
            return f"{self.backend} {self.units}"
        return self.backend if self.device is None else f"{self.backend}-{self.device}"

    @property
    def simulated(self) -> bool:
        """Whether its times say nothing of a real device."""
        return self.backend == "coreml-sim"


def targets(*, exported: bool) -> list[Target]:
    """All there are here; those that play an export only if the model is `exported`.

    Raises:
        ConfigError: the environment names unknown compute units.
    """
    found = [Target(name, "cpu" if name == "mlx" else None) for name in BACKENDS]
    if has_gpu():
        found.append(Target("mlx", "gpu"))
    if exported:
        if sys.platform == "darwin":
            found += [Target("coreml", units=units) for units in units_to_try()]
        found.append(Target("coreml-sim"))
    return found


def has_gpu() -> bool:
    """Whether MLX computes on a GPU here."""
    return mx.default_device() == mx.Device(mx.gpu)
