"""`mlx-muzero train-rival`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from mlx_muzero.words import command
from muzero_cli.display.console import narration_console, output_console, say
from muzero_cli.failures import STOPPED_EXIT_CODE, answer
from muzero_cli.options import (
    Json,
    RunArgument,
    RunDatabase,
)


def train_rival(
    run: RunArgument,
    minutes: Annotated[
        Optional[float],
        typer.Option(
            min=0.01,
            help="Minutes that each trial may take (default: those of the run's training).",
        ),
    ] = None,
    updates: Annotated[
        Optional[int],
        typer.Option(min=2, help="Updates of each trial instead of minutes, to repeat a result."),
    ] = None,
    trials: Annotated[
        Optional[int],
        typer.Option(
            min=1,
            max=1000,
            help="Settings to try (default: as many as configurations were trained on these bars).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first trial.")] = 0,
    db: RunDatabase = None,
    as_json: Json = False,
) -> None:
    """Train a run's rival by PPO, as long and as often as agents were trained on its bars."""
    if minutes is not None and updates is not None:
        raise typer.BadParameter("leave out one of it and --minutes", param_hint="--updates")
    from mlx_muzero.experiment.rival import RivalTraining
    from mlx_muzero.experiment.stop_switch import StopSwitch
    from mlx_muzero.training.run import RunFolder
    from mlx_muzero.untrusted.json_values import in_unit
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.rival import trials_table

    tell = partial(say, narration_console())
    training = RivalTraining(RunFolder(run), db, minutes, updates, trials, seed, tell)
    tell(training.heading)
    shown = 0

    def reach(trial: int, done: int, total: int | None) -> None:
        nonlocal shown
        if trial != shown:
            shown = trial
            progress.doing(f"trial {trial} of {training.wanted}: updates")
        progress.reach(done, total)

    with VerbProgress() as progress, StopSwitch(None) as stop:
        finished = training.run(reach, stop.requested)
    if finished:
        tell(f"done; next: {command('evaluate', run, '--compare')}")
    else:
        tell("stopped within a trial, which the same command begins again")
    if as_json:
        left = _left(run, training.trials, finished=finished)
        answer(in_unit(left, training.rules.unit))
    elif training.trials:
        output_console().print(trials_table(training.trials, training.rules.unit))
    if not finished:
        raise typer.Exit(STOPPED_EXIT_CODE)


def _left(run: Path, trials: Any, *, finished: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from mlx_muzero.evaluation.ppo.rival import best_of

    return {
        "run": str(run),
        "finished": finished,
        "trials": [asdict(trial) for trial in trials],
        "chosen": best_of(trials) if trials else None,
    }
