"""Loads a program of an export in whatever format it is."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.exports.program import ComputeUnits, Engine, Program


class Loader(Protocol):
    """The function `load_program` in the module ``loading`` of a format."""

    def __call__(
        self, folder: Path, entry: ProgramEntry, engine: Engine, units: ComputeUnits
    ) -> Program:
        """Load the program `entry` of the export in `folder`; `units` are the framework's.

        Raises:
            ExportError: it cannot be loaded here, or has an operation the interpreter lacks.
        """
        ...


def loader_of(export_format: ExportFormat) -> str:
    """The name of the loader of a format, ``module:function``."""
    return f"mlx_muzero.{export_format}.loading:load_program"


def loader_named(name: str) -> Loader:
    """The loader with that name."""
    module, _, function = name.partition(":")
    loader: Any = getattr(import_module(module), function)
    found: Loader = loader
    return found
