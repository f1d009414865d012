"""`mlx-muzero evaluate`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer

from muzero_cli.display.console import narration_console, output_console, say, say_event
from muzero_cli.failures import answer, end_with
from muzero_cli.options import (
    Checkpoint,
    CsvFolder,
    ExitCode,
    ExportFolder,
    HtmlFile,
    Json,
    ParquetFolder,
    RootBackend,
    RunArgument,
    RunDatabase,
    SearchBackend,
    SearchPrecision,
    Sessions,
    Split,
)


def evaluate(
    run: RunArgument,
    split: Annotated[
        Optional[Split], typer.Option(help="Which part of the run's data (default: test).")
    ] = None,
    from_: Annotated[
        Optional[str],
        typer.Option(
            "--from",
            help="Use later bars instead, from this UTC time on (default: all that came after the "
            "run's own).",
        ),
    ] = None,
    to: Annotated[
        Optional[str], typer.Option(help="End of the later bars, in UTC (exclusive).")
    ] = None,
    sessions: Sessions = None,
    simulations: Annotated[
        list[int],
        typer.Option(
            min=1,
            help="Simulations per decision (default: the run's). With --compare, repeatable "
            "(default: 8, 25, 50 and 200).",
        ),
    ] = [],  # noqa: B006
    cost: Annotated[
        Optional[float],
        typer.Option(
            min=0.0,
            help="Cost of a round trip to play under, in pips or bps, instead of the run's costs. "
            "A factored model plans with it.",
        ),
    ] = None,
    overrides: Annotated[
        list[str],
        typer.Option(
            "--set",
            help='Another cost or limit to play under, such as trading.flat_by="bar 240".',
        ),
    ] = [],  # noqa: B006
    checkpoint: Checkpoint = "best",
    backend: SearchBackend = None,
    root_backend: RootBackend = None,
    precision: SearchPrecision = None,
    export: ExportFolder = None,
    db: RunDatabase = None,
    full: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Also compare with a supervised Transformer, and by search, risk and cost.",
        ),
    ] = False,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Seed of the Transformer of --compare, and of --importance."),
    ] = 0,
    importance: Annotated[
        bool,
        typer.Option(
            "--importance",
            help="Also say which groups of features the agent earns with; plays three more "
            "evaluations for each.",
        ),
    ] = False,
    png: Annotated[Optional[Path], typer.Option(help="Folder for the plots of --compare.")] = None,
    csv: CsvFolder = None,
    parquet: ParquetFolder = None,
    html: HtmlFile = None,
    exit_code: ExitCode = False,
    as_json: Json = False,
) -> None:
    """Evaluate a run on data it was not trained on, next to the baselines."""
    later = from_ is not None or to is not None
    if later and split is not None:
        raise typer.BadParameter(
            "later bars belong to no split: leave it out, or leave out --from and --to",
            param_hint="--split",
        )
    if len(simulations) > 1 and not full:
        raise typer.BadParameter("only --compare takes several values", param_hint="--simulations")
    if png is not None and not full:
        raise typer.BadParameter("only --compare draws plots", param_hint="--png")
    if exit_code and split in ("train", "validation"):
        raise typer.BadParameter(
            f"there is no verdict on the {split} split, which made the run what it is",
            param_hint="--exit-code",
        )
    if png is not None:
        from muzero_cli.display.full_chart import draw  # fails before anything is played
    from mlx_muzero.evaluation.full_comparison import SIMULATIONS
    from mlx_muzero.experiment import evaluating
    from mlx_muzero.experiment.judging import judged_bars
    from mlx_muzero.experiment.trained_run import load_run
    from muzero_cli.display.evaluation import evaluation_report
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.pages import command_line, page_written
    from muzero_cli.tables import made, written

    notes: list[str] = []
    loaded = load_run(
        run,
        checkpoint,
        db,
        backend=backend,
        export=export,
        tell=notes.append,
        report=say_event,
        cost=cost,
        overrides=overrides,
        root_backend=root_backend,
        precision=precision,
        measure=True,
    )
    for note in ([] if loaded.warning is None else [loaded.warning]) + notes:
        say(narration_console(), note)
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)  # fails before anything is played
    bars = judged_bars(
        loaded,
        split,
        from_,
        to,
        ("--from", "--to"),
        tell=lambda note: say(narration_console(), note),
    )
    folders = made({"csv": csv, "parquet": parquet})  # fails before anything is played
    with VerbProgress() as progress:
        shown = progress.tick, progress.doing
        if full:
            counts = simulations or SIMULATIONS
            found = evaluating.evaluate_fully(loaded, bars, sessions, counts, seed, *shown)
        else:
            count = simulations[0] if simulations else None
            keep = html is not None
            found = evaluating.evaluate(loaded, bars, sessions, count, *shown, keep=keep)
        if importance:
            from mlx_muzero.experiment.importance import importance_of

            own = simulations[0] if simulations and not full else None
            groups = importance_of(loaded, bars, found.comparison, own, seed, *shown)
            found = replace(found, importance=groups)
        page = None
        if html is not None:
            from mlx_muzero.experiment.result_page import evaluation_page

            page = evaluation_page(loaded, bars, found, command_line(), *shown)
    if png is not None and found.full is not None:
        draw(found.full, png)
    written(found.comparison.tables, folders)
    page_written(page, html)
    if as_json:
        answer(found.as_dict())
    else:
        output_console().print(evaluation_report(run, found))
    if exit_code and found.comparison.luck is not None:
        end_with(found.comparison.luck.verdict)
