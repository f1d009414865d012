"""`mlx-muzero compare-runs`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Checkpoint, Json, RunDatabase, Simulations, Split


def compare_runs(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders; the others against the first.", autocompletion=completion.runs
        ),
    ],
    split: Annotated[Split, typer.Option(help="Which part of the runs' data.")] = "test",
    sessions: Annotated[
        Optional[int],
        typer.Option(min=1, help="Maximum number of sessions, spread evenly (default: all)."),
    ] = None,
    simulations: Simulations = None,
    checkpoint: Checkpoint = "best",
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Compare runs on the sessions they share: settings, days, and differences beyond chance."""
    if len(runs) < 2:
        raise typer.BadParameter("name at least two run folders", param_hint="RUNS")
    from mlx_muzero.experiment import judging
    from mlx_muzero.experiment.trained_run import by_name, load_run
    from muzero_cli.display.run_comparison import run_comparison_report

    console = narration_console()
    loaded = []
    for run in runs:
        notes: list[str] = []
        loaded.append(load_run(run, checkpoint, db, tell=notes.append, report=say_event))
        for note in ([] if loaded[-1].warning is None else [loaded[-1].warning]) + notes:
            say(console, f"{run}: {note}")
    found = judging.compare_runs(by_name(loaded), split, sessions, simulations)
    if as_json:
        answer(found.as_dict())
    else:
        output_console().print(run_comparison_report(found))
