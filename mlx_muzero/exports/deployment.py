"""How an export is run: its location, its time limits, and where failures are reported."""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from mlx_muzero.config.choices import Backend
from mlx_muzero.errors import ConfigError
from mlx_muzero.exports.program import ComputeUnits

COMPUTE_UNITS_VARIABLE = "MLX_MUZERO_COMPUTE_UNITS"
"""Environment variable for other compute units; hosted macOS runners need CPU_ONLY."""


@dataclass(frozen=True)
class Limits:
    """Limits after which a child process, or the whole export, is abandoned.

    Attributes:
        load_s: time to load all programs. The first load of a model compiles it for the Neural
            Engine, which may take a minute; on virtual machines it may never end.
        answer_s: time to answer a request. It doubles as the child's heartbeat: coremltools holds
            Python's lock while it works, so no other thread of the child could send one.
        restarts: number of restarts allowed within `restarts_s`; one more abandons the export.
        restarts_s: time after which a restart is forgotten.
    """

    load_s: float = 180.0
    answer_s: float = 10.0
    restarts: int = 3
    restarts_s: float = 600.0


@dataclass(frozen=True)
class EngineEvent:
    """Something that happened to the programs a search runs on, for the journal and the screen.

    Attributes:
        event: what happened; its name in the journal.
        reason: why, in words.
        backend: the backend that evaluates from now on, if it changed.
    """

    event: Literal["engine_restarted", "engine_lost", "engine_refreshed", "engine_refresh_failed"]
    reason: str
    backend: Backend | None = None

    def __str__(self) -> str:
        text = f"{self.event.replace('_', ' ')}: {self.reason}"
        return text if self.backend is None else f"{text}; continuing with {self.backend}"


def warn(event: EngineEvent) -> None:
    """Report `event` as a Python warning."""
    warnings.warn(str(event), RuntimeWarning, stacklevel=2)


@dataclass(frozen=True)
class Deployment:
    """An export and how it is run.

    Attributes:
        folder: folder of the export.
        report: receives its events, in the thread that searches.
        limits: limits of its child process.
        loader: function that loads a program of the export's format in the child, as
            ``module:function``, called as `mlx_muzero.coreml.loading.load_program` is for Core ML.
            It is named rather than passed so that only the child imports the format's library.
    """

    folder: Path
    report: Callable[[EngineEvent], None] = warn
    limits: Limits = Limits()
    loader: str = field(kw_only=True)


def compute_units() -> ComputeUnits:
    """Compute units for Core ML: CPU and Neural Engine, unless the environment says otherwise.

    Never all units: with the GPU among them Core ML has aborted processes, and the GPU trains.

    Raises:
        ConfigError: the environment names unknown units.
    """
    return _forced_units() or "CPU_AND_NE"


def units_to_try() -> tuple[ComputeUnits, ...]:
    """Compute units to compare Core ML on: all choices, or the one from the environment.

    Raises:
        ConfigError: the environment names unknown units.
    """
    forced = _forced_units()
    return get_args(ComputeUnits) if forced is None else (forced,)


def _forced_units() -> ComputeUnits | None:
    units = os.environ.get(COMPUTE_UNITS_VARIABLE)
    if units is None:
        return None
    for known in get_args(ComputeUnits):
        if units == known:
            return known
    raise ConfigError(
        f"{COMPUTE_UNITS_VARIABLE}: {units!r} is not one of {', '.join(get_args(ComputeUnits))}"
    )
