"""`mlx-muzero evaluate`."""

import json
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from muzero_cli.options import (
    Checkpoint,
    ExportFolder,
    Json,
    RunDatabase,
    SearchBackend,
    Simulations,
)

Split = Literal["train", "validation", "test"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    split: Annotated[Split, typer.Option(help="Part of the data.")] = "test",
    sessions: Annotated[
        Optional[int],
        typer.Option(min=1, help="At most so many sessions, spread evenly; all by default."),
    ] = None,
    simulations: Simulations = None,
    checkpoint: Checkpoint = "best",
    backend: SearchBackend = None,
    export: ExportFolder = None,
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Judge a run on data it was not trained on, beside the baselines."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from mlx_muzero.evaluation.comparison import compare
    from mlx_muzero.evaluation.report import report, report_dict
    from muzero_cli.console import output_console
    from muzero_cli.loading import load_truth
    from muzero_cli.trained_run import load_run

    loaded = load_run(run, checkpoint, db, backend=backend, export=export)
    config, name, agent = loaded.config, loaded.checkpoint, loaded.agent()
    simulations = simulations or config.search.num_simulations
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,}"), BarColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(f"checkpoint {name}: decisions", total=None)
        comparison = compare(
            agent,
            loaded.untrained_agent(),
            simulations,
            loaded.dataset,
            loaded.rules,
            split,
            sessions,
            load_truth(config, loaded.store),
            lambda count: progress.advance(task, count),
        )
    if as_json:
        values = report_dict(comparison.conditions, comparison.metrics)
        values["checkpoint"] = name
        values["simulations"] = simulations
        values["backend"] = agent.backend
        values["expected_best_pips_per_session"] = comparison.expected_best_pips
        typer.echo(json.dumps(values, allow_nan=False))
        return
    out = output_console()
    out.print(
        f"{run}, checkpoint {name}, {simulations} simulations a decision, backend {agent.backend}"
    )
    out.print(report(comparison.conditions, comparison.metrics))
    if comparison.expected_best_pips is not None:
        out.print(
            "Best policy that does not see the future, expected: "
            f"{comparison.expected_best_pips:+.1f} net {loaded.rules.unit} a session."
        )
