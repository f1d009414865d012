"""What can be measured on this machine: backends and their devices."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import mlx.core as mx

from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.config.choices import ConcreteBackend, ExportFormat
from mlx_muzero.exports.deployment import units_to_try
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.program import PLAYS, ComputeUnits


@dataclass(frozen=True)
class Target:
    """A backend on a device.

    Attributes:
        backend: as named in `search.backend`.
        device: MLX's device during the measurement; None for its default.
        units: units a framework may use; None for other backends.
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
        return self.backend in PLAYS and PLAYS[self.backend].engine == "sim"


def targets(exported: Collection[ExportFormat]) -> list[Target]:
    """All targets available here; those that play an export only if there is one `exported`.

    Raises:
        ConfigError: the environment names unknown compute units.
    """
    found = [Target(name, "cpu" if name == "mlx" else None) for name in BACKENDS]
    if has_gpu():
        found.append(Target("mlx", "gpu"))
    for backend, play in PLAYS.items():
        if play.format not in exported:
            continue
        here = format_named(play.format).units_here()
        if play.units is not None or play.engine == "sim":
            if play.engine == "sim" or here == (play.units,):
                found.append(Target(backend))
        elif format_named(play.format).preferred_units in here:
            found += [Target(backend, units=units) for units in units_to_try(play.format)]
    return found


def has_gpu() -> bool:
    """Whether MLX computes on a GPU here."""
    return mx.default_device() == mx.Device(mx.gpu)
