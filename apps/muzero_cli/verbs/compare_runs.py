"""`mlx-muzero compare-runs`."""

from pathlib import Path
from typing import Annotated

import typer

from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say, say_event
from muzero_cli.failures import answer
from muzero_cli.options import (
    Checkpoint,
    HtmlFile,
    Json,
    RunDatabase,
    Sessions,
    Simulations,
    Split,
)


def compare_runs(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders; the others against the first.", autocompletion=completion.runs
        ),
    ],
    split: Annotated[Split, typer.Option(help="Which part of the runs' data.")] = "test",
    sessions: Sessions = None,
    simulations: Simulations = None,
    checkpoint: Checkpoint = "best",
    db: RunDatabase = None,
    html: HtmlFile = None,
    as_json: Json = False,
) -> None:
    """Compare runs on the sessions they share: settings, days, and differences beyond chance."""
    if len(runs) < 2:
        raise typer.BadParameter("name at least two run folders", param_hint="RUNS")
    from mlx_muzero.experiment import judging
    from mlx_muzero.experiment.run_comparison_page import run_comparison_page
    from mlx_muzero.experiment.trained_run import by_name, load_run
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.run_comparison import run_comparison_report
    from muzero_cli.pages import command_line, page_written

    console = narration_console()
    loaded = []
    for run in runs:
        notes: list[str] = []
        loaded.append(load_run(run, checkpoint, db, tell=notes.append, report=say_event))
        for note in ([] if loaded[-1].warning is None else [loaded[-1].warning]) + notes:
            say(console, f"{run}: {note}")
    named = by_name(loaded)
    with VerbProgress() as progress:
        shown = progress.tick, progress.doing
        found = judging.compare_runs(named, split, sessions, simulations, *shown)
    if html is not None:
        page_written(run_comparison_page(named, found, command_line()), html)
    if as_json:
        answer(found.as_dict())
    else:
        output_console().print(run_comparison_report(found))
