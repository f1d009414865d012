"""Command-line options that several verbs share."""

import os
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from mlx_muzero.config.choices import Backend
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from muzero_cli import completion

Preset = Annotated[
    Optional[str],
    typer.Option(
        help="Preset to start from; by default the small one for the symbol's market.",
        autocompletion=completion.presets,
    ),
]
ConfigFile = Annotated[
    Optional[Path], typer.Option(help="TOML file whose keys replace the preset's.")
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="One key, as section.key=value; repeat for more.",
        autocompletion=completion.keys,
    ),
]
Database = Annotated[Path, typer.Option(help="Bar store.")]
RunDatabase = Annotated[
    Optional[Path],
    typer.Option(help=f"Bar store; by default the run's own, {DEFAULT_DATABASE} for a new run."),
]
Simulations = Annotated[
    Optional[int], typer.Option(min=1, help="Simulations a decision; the run's by default.")
]
Checkpoint = Annotated[Literal["best", "latest"], typer.Option(help="Which checkpoint.")]
SearchBackend = Annotated[
    Optional[Backend],
    typer.Option("--backend", help="What evaluates the search's leaves; the run's by default."),
]
ExportFolder = Annotated[
    Optional[Path],
    typer.Option("--export", help="Export that a coreml backend plays; RUN/export by default."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def in_a_folder(file: Optional[Path]) -> Optional[Path]:
    """Callback of an option for a file to be written: before any work, refuses what cannot be."""
    if file is None:
        return None
    if not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {file.parent}")
    if not file.is_file() and os.path.lexists(file):
        raise typer.BadParameter(f"{file} is no file that could be replaced")
    return file


def to_be_read(file: Optional[Path]) -> Optional[Path]:
    """Callback of an option for a file that must be there, and be one."""
    if file is not None and not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    return file
