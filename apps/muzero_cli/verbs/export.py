"""`mlx-muzero export`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

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
            help="Run folder; exports go to RUN/export and RUN/export-coreai.",
            autocompletion=completion.runs,
        ),
    ],
    export_format: Annotated[
        Optional[Literal["coreml", "coreai"]],
        typer.Option(
            "--format", help="Core ML or Core AI; default: each whose package is installed."
        ),
    ] = None,
    batch: Annotated[
        str, typer.Option(help="Batch sizes; each program is built once per size.")
    ] = "1,32,64",
    precision: Precision = "fp16",
    layer_norm: LayerNorm = "op",
    multifunction: Annotated[
        bool, typer.Option("--multifunction", help="Put all programs into one Core ML package.")
    ] = False,
    weights: Annotated[
        Literal["float", "int8"],
        typer.Option(help="Numbers in which weights are stored; int8, for Core AI, takes half."),
    ] = "float",
    checkpoint: Checkpoint = "best",
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Export a run's networks for Apple's frameworks, each verified before it is kept."""
    from mlx_muzero.experiment.exporting import export_run
    from mlx_muzero.experiment.trained_run import load_run
    from mlx_muzero.exports.formats import format_named, installed_formats
    from mlx_muzero.exports.options import ExportOptions
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.verification import verification_tables

    options = ExportOptions(_batches(batch), precision, layer_norm, multifunction, weights)
    formats = (export_format,) if export_format else installed_formats() or ("coreml",)
    for made_for in formats:
        format_named(made_for).require_installed()
    loaded = load_run(run, checkpoint, db, report=say_event)
    console = narration_console()
    made: list[dict[str, Any]] = []
    for made_for in formats:
        title, target = format_named(made_for).title, loaded.folder.export_paths[made_for]
        began = time.perf_counter()

        def show(verification: "Verification", title: str = title) -> None:
            if not as_json:
                output_console().print(verification_tables(verification, title))

        with VerbProgress(f"exporting checkpoint {loaded.checkpoint}: programs") as progress:
            manifest = export_run(loaded, made_for, options, show, progress.tick, progress.doing)
        made.append({"export": str(target), **manifest.as_dict()})
        console.print(
            f"{target}: checkpoint {loaded.checkpoint}, {len(manifest.programs)} programs for "
            f"{title}, exported and verified in {time.perf_counter() - began:.1f} s",
            soft_wrap=True,
        )
    if as_json:
        answer(made[0] if export_format else {"exports": made})


def _batches(text: str) -> tuple[int, ...]:
    """The distinct numbers in a comma-separated list, ascending."""
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter("write whole numbers, as in 1,32,64", param_hint="--batch")
    return tuple(sorted({int(word) for word in words}))
