"""What can be measured on this machine: backends and their devices."""

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
        backend: as named in `search.backend`.
        device: MLX's device during the measurement; None for its default.
        units: units Core ML may use; None for other backends.
    """

    backend: ConcreteBackend
    device: Literal["cpu", "gpu"] | None = None
    units: ComputeUnits | None = None

    @property
    def name(self) -> str:
        """Display name, such as ``mlx-cpu`` or ``coreml CPU_AND_NE``."""
        if self.units is not None:
            return f"{self.backend} {self.units}"
        return self.backend if self.device is None else f"{self.backend}-{self.device}"

    @property
    def simulated(self) -> bool:
        """Whether its timings say nothing about a real device."""
        return self.backend == "coreml-sim"


def targets(*, exported: bool) -> list[Target]:
    """All targets available here; those that play an export only if the model is `exported`.

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
