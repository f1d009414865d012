"""`mlx-muzero verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muzero_cli.display.console import output_console, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Json, RunDatabase

if TYPE_CHECKING:
    from mlx_muzero.exports.figures import Verification


def verify(
    export: Annotated[
        Path,
        typer.Argument(
            help="Export folder in the folder of its run, or a run with all its exports."
        ),
    ],
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Compare an export's saved programs with the model they were made from."""
    from mlx_muzero.experiment.exporting import exports_in

    found = exports_in(export)
    results = {folder: _verified(folder, db, show=not as_json) for folder in found}
    failed = next(filter(None, (result.failure() for result in results.values())), None)
    if as_json:
        values = {str(folder): result.as_dict() for folder, result in results.items()}
        answer(values[str(export)] if found == [export] else {"exports": values}, failed)
    if failed is not None:
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
