"""`mlx-muzero export`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Checkpoint, Json, RunDatabase

if TYPE_CHECKING:
    from mlx_muzero.exports.figures import Verification

Precision = Annotated[
    Literal["fp16", "fp32"],
    typer.Option(
        help="Number format inside the programs; the Neural Engine computes in fp16 only."
    ),
]
LayerNorm = Annotated[
    Literal["op", "decomposed"],
    typer.Option(
        help="Layer norm as one operation, or decomposed for a device that does not support it."
    ),
]


def export(
    run: Annotated[
        Path,
        typer.Argument(
            help="Run folder; the export goes to RUN/export.", autocompletion=completion.runs
        ),
    ],
    batch: Annotated[
        str, typer.Option(help="Batch sizes; each program is built once per size.")
    ] = "1,32,64",
    precision: Precision = "fp16",
    layer_norm: LayerNorm = "op",
    multifunction: Annotated[
        bool, typer.Option("--multifunction", help="Put all programs into one package.")
    ] = False,
    checkpoint: Checkpoint = "best",
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Export a run's networks to Core ML and verify them before they replace an older export."""
    from mlx_muzero.coreml.export import ExportOptions
    from mlx_muzero.experiment.exporting import export_run
    from mlx_muzero.experiment.trained_run import load_run
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.verification import verification_tables

    options = ExportOptions(_batches(batch), precision, layer_norm, multifunction)
    loaded = load_run(run, checkpoint, db, report=say_event)
    console = narration_console()
    target = loaded.folder.export_path
    began = time.perf_counter()

    def show(verification: "Verification") -> None:
        if not as_json:
            output_console().print(verification_tables(verification))

    with VerbProgress(f"exporting checkpoint {loaded.checkpoint}: programs") as progress:
        manifest = export_run(loaded, options, show, progress.tick, progress.doing)
    if as_json:
        answer({"export": str(target), **manifest.as_dict()})
    console.print(
        f"{target}: checkpoint {loaded.checkpoint}, {len(manifest.programs)} programs, exported "
        f"and verified in {time.perf_counter() - began:.1f} s",
        soft_wrap=True,
    )


def _batches(text: str) -> tuple[int, ...]:
    """The distinct numbers in a comma-separated list, ascending."""
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter("write whole numbers, as in 1,32,64", param_hint="--batch")
    return tuple(sorted({int(word) for word in words}))
