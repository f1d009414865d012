"""`mlx-muzero tree`."""

from typing import Annotated, Optional

import typer

from muzero_cli import completion
from muzero_cli.display.console import echo, narration_console, output_console, say, say_event
from muzero_cli.failures import answer
from muzero_cli.options import (
    Checkpoint,
    ExportFolder,
    Json,
    RootBackend,
    RunArgument,
    RunDatabase,
    SearchBackend,
    SearchPrecision,
    Simulations,
)


def tree(
    run: RunArgument,
    at: Annotated[
        str,
        typer.Option(help="Open time of the bar to decide on, in UTC, such as 2018-03-05T14:30."),
    ],
    pair: Annotated[
        Optional[str],
        typer.Option(
            help="Symbol in the bar store (default: the run's).", autocompletion=completion.symbols
        ),
    ] = None,
    fold: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Fold branches below this share of the visits."),
    ] = 0.05,
    simulations: Simulations = None,
    checkpoint: Checkpoint = "best",
    backend: SearchBackend = None,
    root_backend: RootBackend = None,
    precision: SearchPrecision = None,
    export: ExportFolder = None,
    db: RunDatabase = None,
    as_json: Json = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="Print a graph for Graphviz.")] = False,
) -> None:
    """Show what a run's agent considers at one bar, starting flat."""
    from mlx_muzero.experiment.planning import plan_at
    from mlx_muzero.experiment.trained_run import load_run
    from mlx_muzero.market.bars import utc_ns
    from muzero_cli.display.tree import TreeDisplay

    if as_json and as_dot:
        raise typer.BadParameter("cannot be combined with --json", param_hint="--dot")
    try:
        open_time_ns = utc_ns(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error
    loaded = load_run(
        *(run, checkpoint, db, pair, backend, export),
        tell=lambda note: say(narration_console(), note),
        report=say_event,
        root_backend=root_backend,
        precision=precision,
    )
    if len(loaded.dataset.symbols) > 1:
        wanted = f"the run trades several: choose one of {loaded.dataset.label}"
        raise typer.BadParameter(wanted, param_hint="--pair")
    plan = plan_at(loaded, open_time_ns, simulations)
    if as_json:
        answer(plan.as_dict())
        return
    display = TreeDisplay(run, plan)
    if as_dot:
        echo(display.dot(fold))
    else:
        output_console().print(display.text(fold), soft_wrap=True)
