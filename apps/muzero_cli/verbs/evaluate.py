"""`mlx-muzero evaluate`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from mlx_muzero.config import fx_targets
from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Checkpoint, ExportFolder, Json, RunDatabase, SearchBackend

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mlx_muzero.experiment.trained_run import TrainedRun

Split = Literal["train", "validation", "test"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.", autocompletion=completion.runs)],
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
    sessions: Annotated[
        Optional[int],
        typer.Option(min=1, help="Maximum number of sessions, spread evenly (default: all)."),
    ] = None,
    simulations: Annotated[
        list[int],
        typer.Option(
            min=1,
            help="Simulations a decision, the run's by default; with --compare repeat it for "
            "several, 8, 25, 50 and 200 by default.",
        ),
    ] = [],  # noqa: B006
    checkpoint: Checkpoint = "best",
    backend: SearchBackend = None,
    export: ExportFolder = None,
    db: RunDatabase = None,
    full: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Also compare with a supervised Transformer, and by search, risk and cost.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the Transformer of --compare.")] = 0,
    png: Annotated[Optional[Path], typer.Option(help="Folder for the plots of --compare.")] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a run on data it was not trained on, next to the baselines."""
    later = from_ is not None or to is not None
    if later and split is not None:
        raise typer.BadParameter("later bars are in no split", param_hint="--split")
    if len(simulations) > 1 and not full:
        raise typer.BadParameter("only --compare takes several", param_hint="--simulations")
    if png is not None and not full:
        raise typer.BadParameter("only --compare draws", param_hint="--png")
    if png is not None:
        from muzero_cli.display.full_chart import draw  # before anything is played in vain
    from mlx_muzero.evaluation.comparison import compare
    from mlx_muzero.evaluation.full_comparison import SIMULATIONS, compare_fully
    from mlx_muzero.experiment.judging import judged_bars
    from mlx_muzero.experiment.trained_run import load_run
    from muzero_cli.display.comparison import report
    from muzero_cli.display.full_comparison import full_report
    from muzero_cli.display.progress import VerbProgress

    notes: list[str] = []
    loaded = load_run(
        run, checkpoint, db, backend=backend, export=export, tell=notes.append, report=say_event
    )
    warning = loaded.warning
    for note in ([] if warning is None else [warning]) + notes:
        say(narration_console(), note)
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)  # what is in its way is told before anything plays
    bars = judged_bars(loaded, split, from_, to, ("--from", "--to"))
    agent = loaded.agent()
    usual = SIMULATIONS if full else [loaded.config.search.num_simulations]
    counts = simulations or list(usual)
    market = (bars.dataset, loaded.rules, bars.part, sessions, bars.truth)
    judged: dict[str, Any]
    tables: RenderableType
    with VerbProgress() as progress:
        if full:
            compared = compare_fully(
                agent,
                loaded.agent_with,
                loaded.model,
                *market,
                simulations=counts,
                seed=seed,
                tick=progress.tick,
                doing=progress.doing,
            )
            comparison, judged = compared.comparison, compared.as_dict()
            tables = full_report(compared)
        else:
            comparison = compare(
                loaded.agents(agent, counts[0]), *market, progress.tick, progress.doing
            )
            judged = comparison.as_dict()
            tables = report(comparison.conditions, comparison.metrics)
    if png is not None:
        draw(compared, png)
    stage = _stage(run, loaded)
    facts = {
        "checkpoint": loaded.checkpoint,
        "validated": warning is None,
        "stage": None if stage is None else asdict(stage),
        "period": bars.period,
        "simulations": counts,
        "backend": agent.backend,
    }
    if as_json:
        answer(judged | facts)
        return
    out = output_console()
    out.print(
        f"{run}, checkpoint {loaded.checkpoint}, {', '.join(map(str, counts))} simulations a "
        f"decision, backend {agent.backend}"
    )
    if stage is not None:
        out.print(f"Stage of training by the FX specification: {stage.name}, {stage.hint}")
    if bars.period is not None:
        out.print(bars.period)
    out.print(tables)
    if comparison.expected_best_pips is not None:
        out.print(
            "Best policy that does not see the future, expected: "
            f"{comparison.expected_best_pips:+.1f} net {loaded.rules.unit} a session."
        )


def _stage(run: Path, loaded: "TrainedRun") -> fx_targets.Stage | None:
    """Where in FX's timeline the checkpoint of a currency pair's search stands."""
    from mlx_muzero.training.models import counters_of
    from mlx_muzero.training.run import RunFolder

    reached = counters_of(RunFolder(run), loaded.checkpoint)
    if loaded.rules.unit != fx_targets.UNIT or reached.phase != "search":
        return None
    return fx_targets.stage_of(reached.episodes, reached.steps)
