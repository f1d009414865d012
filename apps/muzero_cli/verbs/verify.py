"""`mlx-muzero verify`."""

from pathlib import Path
from typing import Annotated

import typer

from muzero_cli.display.console import output_console, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Json, RunDatabase


def verify(
    export: Annotated[Path, typer.Argument(help="Export folder, in the folder of its run.")],
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Compare an export's saved programs with the model they were made from."""
    from mlx_muzero.experiment.exporting import verify_export
    from mlx_muzero.experiment.trained_run import load_run
    from mlx_muzero.exports.manifest import Manifest
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.verification import verification_tables

    manifest = Manifest.load(export)
    manifest.check_files(export)
    loaded = load_run(export.resolve().parent, manifest.checkpoint, db, report=say_event)
    with VerbProgress(f"verifying checkpoint {manifest.checkpoint}: calls") as progress:
        verification = verify_export(export, loaded, progress.tick)
    failed = verification.failure()
    if as_json:
        answer(verification.as_dict(), failed)
    else:
        output_console().print(verification_tables(verification))
    if failed is not None:
        raise failed
