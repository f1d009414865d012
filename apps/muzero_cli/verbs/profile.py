"""`mlx-muzero profile`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console
from muzero_cli.failures import answer
from muzero_cli.options import Json, in_a_folder


def profile(
    run: Annotated[
        Optional[Path],
        typer.Argument(
            help="Run folder (default: fx_micro with random weights).",
            autocompletion=completion.runs,
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Minimum time spent on each measurement.")
    ] = 0.3,
    png: Annotated[
        Optional[Path],
        typer.Option(help="Draw the measurements to this file.", callback=in_a_folder),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure every backend on this machine and remember the fastest."""
    if png is not None:
        from mlx_muzero.profiling.chart import draw  # fails before anything is measured
    from mlx_muzero.profiling.measure import Effort
    from mlx_muzero.profiling.profile import profile_run
    from muzero_cli.display.profile import profile_tables

    with narration_console().status("") as status:
        found = profile_run(run, Effort(seconds=seconds), status.update)
    if png is not None:
        draw(found, png)
    if as_json:
        answer(found.as_dict())
    else:
        output_console().print(profile_tables(found))
