"""Command-line options that several verbs share."""

import os
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from mlx_muzero.config.choices import Backend, PrecisionChoice
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from muzero_cli import completion

RunArgument = Annotated[Path, typer.Argument(help="Run folder.", autocompletion=completion.runs)]
Preset = Annotated[
    Optional[str],
    typer.Option(
        help="Preset to start from (default: the small one for the symbol's market).",
        autocompletion=completion.presets,
    ),
]
TradedSymbols = Annotated[
    Optional[str],
    typer.Option(
        help="Symbol to trade; separate several by commas.", autocompletion=completion.symbols
    ),
]
ConfigFile = Annotated[Optional[Path], typer.Option(help="TOML file that overrides the preset.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="Override one key, as section.key=value; repeatable.",
        autocompletion=completion.keys,
    ),
]
Database = Annotated[Path, typer.Option(help="Bar store.")]
RunDatabase = Annotated[
    Optional[Path],
    typer.Option(help=f"Bar store; by default the run's own, {DEFAULT_DATABASE} for a new run."),
]
Split = Literal["train", "validation", "test"]
Sessions = Annotated[
    Optional[int],
    typer.Option(min=1, help="Maximum number of sessions, spread evenly (default: all)."),
]
MinutesOfEach = Annotated[
    Optional[float],
    typer.Option(min=0.0, help="Training time of each run (default: all episodes)."),
]
Ranks = Annotated[
    Optional[int],
    typer.Option(min=2, help="Number of processes on this machine that train each run."),
]
Simulations = Annotated[
    Optional[int], typer.Option(min=1, help="Simulations per decision (default: the run's).")
]
Checkpoint = Annotated[Literal["best", "latest"], typer.Option(help="Checkpoint to load.")]
SearchBackend = Annotated[
    Optional[Backend],
    typer.Option(
        "--backend", help="Backend that evaluates the search's leaves (default: the run's)."
    ),
]
RootBackend = Annotated[
    Optional[Backend],
    typer.Option(help="Backend that evaluates roots (default: the fastest profiled, or as usual)."),
]
SearchPrecision = Annotated[
    Optional[PrecisionChoice],
    typer.Option(
        help="Number format of the native backend's large products; auto: the fastest that was "
        "verified (default: the run's)."
    ),
]
ExportFolder = Annotated[
    Optional[Path],
    typer.Option("--export", help="Export for a coreml backend to play (default: RUN/export)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Watch = Annotated[bool, typer.Option("--watch", help="Print again on every change, until Ctrl-C.")]
CsvFolder = Annotated[
    Optional[Path],
    typer.Option("--csv", help="Also write the tables behind the report here, as CSV files."),
]
ParquetFolder = Annotated[
    Optional[Path], typer.Option("--parquet", help="The same as Parquet files.")
]
ExitCode = Annotated[
    bool,
    typer.Option("--exit-code", help="End with 0 for skill, 21 not shown, 22 loses, 23 too short."),
]


def refuse_both(watch: bool, exit_code: bool) -> None:
    """Refuse to end with a code what never ends.

    Raises:
        typer.BadParameter: both are wanted.
    """
    if watch and exit_code:
        raise typer.BadParameter("it never ends: leave one of the two out", param_hint="--watch")


def in_a_folder(file: Optional[Path]) -> Optional[Path]:
    """Callback of an option for an output file: before any work, refuses one it cannot write."""
    if file is None:
        return None
    if not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"no such folder: {file.parent}")
    if not file.is_file() and os.path.lexists(file):
        raise typer.BadParameter(f"{file} exists and is not a regular file; name another")
    return file


def to_be_read(file: Optional[Path]) -> Optional[Path]:
    """Callback of an option for an input file: refuses one that does not exist."""
    if file is not None and not file.is_file():
        raise typer.BadParameter(f"no such file: {file}")
    return file


HtmlFile = Annotated[
    Optional[Path],
    typer.Option("--html", help="Also write the results as one web page.", callback=in_a_folder),
]
SecretsFile = Annotated[
    Optional[Path],
    typer.Option(
        "--secrets", help="File of NAME=VALUE lines, mode 0600, that completes the environment."
    ),
]
