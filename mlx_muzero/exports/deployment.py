"""How an export is run: where it lies, how long it may take, and who hears of its failures."""

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
"""Environment variable that names other compute units; hosted macOS runners need CPU_ONLY."""


@dataclass(frozen=True)
class Limits:
    """What is put up with before a child process is given up, or the whole export.

    Attributes:
        load_s: until all programs are loaded. The first load of a model compiles it for the Neural
            Engine, which may take a minute; on virtual machines it may never end.
        answer_s: until a request is answered. It is the child's heartbeat as well: coremltools
            holds Python's lock while it works, so no thread beside it could send another.
        restarts: new processes in `restarts_s`; one more and the export is given up.
        restarts_s: after so long a restart is forgotten.
    """

    load_s: float = 180.0
    answer_s: float = 10.0
    restarts: int = 3
    restarts_s: float = 600.0


@dataclass(frozen=True)
class EngineEvent:
    """Something that happened to the programs a search runs on, for the journal and the screen.

    Attributes:
        event: what; its name in the journal.
        reason: why, in words.
        backend: what evaluates from now on, if that is another one.
    """

    event: Literal["engine_restarted", "engine_lost", "engine_refreshed", "engine_refresh_failed"]
    reason: str
    backend: Backend | None = None

    def __str__(self) -> str:
        text = f"{self.event.replace('_', ' ')}: {self.reason}"
        return text if self.backend is None else f"{text}; going on with {self.backend}"


def warn(event: EngineEvent) -> None:
    """Tells of `event` by a Python warning."""
    warnings.warn(str(event), RuntimeWarning, stacklevel=2)


@dataclass(frozen=True)
class Deployment:
    """An export and how it is run.

    Attributes:
        folder: of the export.
        report: hears what happens to it, in the thread that searches.
        limits: of its child process.
        loader: function that loads a program of the export's format in the child, as
            ``module:function``; called as `mlx_muzero.coreml.loading.load_program`, the one for
            Core ML. It is named, not passed, so that only the child imports the format's library.
    """

    folder: Path
    report: Callable[[EngineEvent], None] = warn
    limits: Limits = Limits()
    loader: str = field(kw_only=True)


def compute_units() -> ComputeUnits:
    """What Core ML may compute on: CPU and Neural Engine, unless the environment says otherwise.

    Never all units: with the GPU among them Core ML has aborted processes, and the GPU trains.

    Raises:
        ConfigError: the environment names no such units.
    """
    return _forced_units() or "CPU_AND_NE"


def units_to_try() -> tuple[ComputeUnits, ...]:
    """What to compare Core ML on: all there is, or what the environment says.

    Raises:
        ConfigError: the environment names no such units.
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
