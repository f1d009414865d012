"""`mlx-muzero verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from muzero_cli.display.console import output_console, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Json, RunDatabase

if TYPE_CHECKING:
    from mlx_muzero.config.choices import Precision
    from mlx_muzero.exports.figures import Verification


def verify(
    export: Annotated[
        Path,
        typer.Argument(
            help="Export folder in its run's folder, a run with all its exports, or any run."
        ),
    ],
    precision: Annotated[
        Optional[Literal["bfloat16", "float16", "int8"]],
        typer.Option(help="Compare the native backend in this precision with float32 instead."),
    ] = None,
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Compare an export's saved programs, or a precision, with the model."""
    if precision is not None:
        _precision(export, precision, db, as_json=as_json)
        return
    from mlx_muzero.experiment.exporting import exports_in

    found = exports_in(export)
    results = {folder: _verified(folder, db, show=not as_json) for folder in found}
    failed = next(filter(None, (result.failure() for result in results.values())), None)
    if as_json:
        values = {str(folder): result.as_dict() for folder, result in results.items()}
        answer(values[str(export)] if found == [export] else {"exports": values}, failed)
    if failed is not None:
        raise failed


def _precision(run: Path, precision: "Precision", db: RunDatabase, *, as_json: bool) -> None:
    from mlx_muzero.errors import SearchError
    from mlx_muzero.experiment.precision_figures import keep_figures
    from mlx_muzero.experiment.precisions import verify_precision
    from mlx_muzero.experiment.trained_run import load_run
    from muzero_cli.display.precision import precision_report
    from muzero_cli.display.progress import VerbProgress

    loaded = load_run(run, "best", db, backend="native", report=say_event)
    with VerbProgress() as progress:
        found = verify_precision(loaded, precision, tick=progress.tick, doing=progress.doing)
    keep_figures(loaded.folder, loaded.checkpoint, found)
    problems = found.problems()
    failed = SearchError(f"{precision} differs from float32: {'; '.join(problems)}")
    if as_json:
        answer(found.as_dict(), failed if problems else None)
    else:
        output_console().print(precision_report(found))
    if problems:
        raise failed


def _verified(folder: Path, db: RunDatabase, *, show: bool) -> "Verification":
    from mlx_muzero.experiment.exporting import verify_export
    from mlx_muzero.experiment.trained_run import load_run
    from mlx_muzero.exports.formats import format_named
    from mlx_muzero.exports.manifest import Manifest
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.verification import verification_tables

    manifest = Manifest.load(folder)
    manifest.check_files(folder)
    loaded = load_run(folder.resolve().parent, manifest.checkpoint, db, report=say_event)
    with VerbProgress(f"verifying checkpoint {manifest.checkpoint}: calls") as progress:
        verification = verify_export(folder, loaded, progress.tick)
    if show:
        title = format_named(manifest.export_format).title
        output_console().print(verification_tables(verification, title))
    return verification
