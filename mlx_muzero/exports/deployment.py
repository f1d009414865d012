"""How an export is run: its location, its time limits, and where failures are reported."""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlx_muzero.config.choices import Backend, ExportFormat
from mlx_muzero.errors import ConfigError, ExportError
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.program import CORE_AI_UNITS, CORE_ML_UNITS, ComputeUnits

COMPUTE_UNITS_VARIABLE = "MLX_MUZERO_COMPUTE_UNITS"
"""Environment variable for other compute units; hosted macOS runners need CPU_ONLY.

Either framework's names are understood for both.
"""


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


USUAL_LIMITS = Limits()


@dataclass(frozen=True)
class EngineEvent:
    """Something that happened to the programs a search runs on, for the journal and the screen.

    Attributes:
        event: what happened; its name in the journal.
        reason: why, in words.
        backend: the backend that evaluates from now on, if it changed.
        root_backend: likewise, where only that of the roots changed.
    """

    event: Literal["engine_restarted", "engine_lost", "engine_refreshed", "engine_refresh_failed"]
    reason: str
    backend: Backend | None = None
    root_backend: Backend | None = None

    def __str__(self) -> str:
        text = f"{self.event.replace('_', ' ')}: {self.reason}"
        if self.root_backend is not None:
            return f"{text}; roots continue with {self.root_backend}"
        return text if self.backend is None else f"{text}; continuing with {self.backend}"

    @property
    def facts(self) -> dict[str, str | None]:
        """The facts for the journal."""
        facts = {"reason": self.reason, "backend": self.backend}
        return facts if self.root_backend is None else facts | {"root_backend": self.root_backend}


def warn(event: EngineEvent) -> None:
    """Report `event` as a Python warning."""
    warnings.warn(str(event), RuntimeWarning, stacklevel=2)


@dataclass(frozen=True)
class Deployment:
    """A model's exports and how one is run.

    Attributes:
        folders: folder of the export in each format, whether or not there is one.
        report: receives its events, in the thread that searches.
        limits: limits of its child process.
        loader: function that loads a program in the child, as ``module:function``, instead of the
            format's `load_program`. It is named rather than passed so that only the child imports
            the format's library.
    """

    folders: Mapping[ExportFormat, Path]
    report: Callable[[EngineEvent], None] = warn
    limits: Limits = USUAL_LIMITS
    loader: str | None = None

    def folder(self, export_format: ExportFormat) -> Path:
        """The folder of the export in that format.

        Raises:
            ExportError: there is none.
        """
        if export_format not in self.folders:
            title, (other,) = format_named(export_format).title, self.folders.values()
            raise ExportError(f"{other} is named as the export to play, but it is not for {title}")
        return self.folders[export_format]


def compute_units(export_format: ExportFormat) -> ComputeUnits:
    """Compute units to play on: the Neural Engine and the CPU, unless the environment says others.

    Raises:
        ConfigError: the environment names unknown units.
    """
    return _forced_units(export_format) or format_named(export_format).preferred_units


def units_to_try(export_format: ExportFormat) -> tuple[ComputeUnits, ...]:
    """Compute units to compare: those of this machine, or the one from the environment.

    Raises:
        ConfigError: the environment names unknown units.
    """
    forced = _forced_units(export_format)
    return format_named(export_format).units_here() if forced is None else (forced,)


def _forced_units(export_format: ExportFormat) -> ComputeUnits | None:
    units = os.environ.get(COMPUTE_UNITS_VARIABLE)
    if units is None:
        return None
    for names in zip(CORE_ML_UNITS, CORE_AI_UNITS, strict=True):
        if units in names:
            return names[("coreml", "coreai").index(export_format)]
    raise ConfigError(
        f"{COMPUTE_UNITS_VARIABLE}: {units!r} is not one of "
        f"{', '.join((*CORE_ML_UNITS, *CORE_AI_UNITS))}"
    )
