"""`mlx-muzero train`."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from mlx_muzero.config.choices import CollectBackend, Phases
from mlx_muzero.words import command
from muzero_cli import completion
from muzero_cli.display.console import narration_console, say
from muzero_cli.failures import STOPPED_EXIT_CODE, answer
from muzero_cli.options import (
    ConfigFile,
    Json,
    Overrides,
    Preset,
    Ranks,
    RunDatabase,
    TradedSymbols,
    to_be_read,
)

if TYPE_CHECKING:
    from mlx_muzero.training.run import RunFolder
    from mlx_muzero.training.trainer import Trainer


def train(
    run: Annotated[
        Path,
        typer.Option(
            help="Run folder: new, or with --resume an existing one.",
            autocompletion=completion.runs,
        ),
    ],
    symbol: TradedSymbols = None,
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    phase: Annotated[
        Optional[Phases], typer.Option(help="What to learn; sets train.phase.")
    ] = None,
    from_: Annotated[
        Optional[Path],
        typer.Option(
            "--from",
            help="Run whose best checkpoint the new run starts from.",
            autocompletion=completion.runs,
        ),
    ] = None,
    ranks: Ranks = None,
    hostfile: Annotated[
        Optional[Path],
        typer.Option(
            help="Train on the machines listed in this mlx.distributed_config file.",
            callback=to_be_read,
        ),
    ] = None,
    backend: Annotated[
        Literal["ring", "jaccl", "jaccl-ring"],
        typer.Option(
            help="How processes talk: TCP, or RDMA over Thunderbolt, each cabled to each or in a "
            "ring; with --hostfile."
        ),
    ] = "ring",
    collector_backend: Annotated[
        Optional[CollectBackend],
        typer.Option(help="Collect with exports made during training; sets collect.backend."),
    ] = None,
    refresh_every: Annotated[
        Optional[int],
        typer.Option(min=1, help="Training steps between exports; sets collect.refresh_steps."),
    ] = None,
    device: Annotated[
        Optional[Literal["cpu", "gpu"]],
        typer.Option(help="Device MLX trains on; sets train.device, also when resuming."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an existing run.")] = False,
    auto_resume: Annotated[
        bool,
        typer.Option(
            "--auto-resume",
            help="Start the run, resume it if it exists, and do nothing if it is finished.",
        ),
    ] = False,
    minutes: Annotated[
        Optional[float], typer.Option(min=0.0, help="Stop after this long and save a checkpoint.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--tui", help="Train in the background and watch it here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train an agent; Ctrl-C saves a checkpoint and prints the command that resumes."""
    if watch:
        from muzero_cli.background import start_and_watch

        start_and_watch(run, "training", lambda pid: f"stop it with a checkpoint: kill {pid}")
        return
    from mlx_muzero.alerts.of_runs import TrainingRunAlerts
    from mlx_muzero.config.alert_settings import AlertSettings
    from mlx_muzero.experiment.loading import load_config
    from mlx_muzero.experiment.standing import standing
    from mlx_muzero.experiment.stop_switch import StopSwitch
    from mlx_muzero.experiment.training import Training
    from mlx_muzero.files.refusals import explained
    from mlx_muzero.training.launch import launch, launched
    from mlx_muzero.training.ranks import Ranks
    from mlx_muzero.training.run import RunFolder
    from muzero_cli.display.training import TrainingDisplay

    console = narration_console()
    folder = RunFolder(run)
    given = [*set_, *_overrides(phase, device, collector_backend, refresh_every)]
    if auto_resume:
        if resume:
            raise typer.BadParameter("cannot be combined with --resume", param_hint="--auto-resume")
        stands = standing(folder, load_config(preset, config, given, symbol, db))
        if stands == "finished":
            say(console, _done(run))
            if as_json:
                answer(_left(folder, finished=True))
            return
        resume = stands == "begun"
    if (ranks or hostfile or backend != "ring") and not launched():
        ended = launch(folder, [sys.executable, *sys.orig_argv[1:]], ranks, hostfile, backend)
        say(console, f"{ended} in every process")
        if as_json:
            answer(_left(folder, finished=ended == "finished"))
        return
    group = Ranks.join() if launched() else Ranks()
    if not group.first:
        console = narration_console(quiet=True)
    tell = partial(say, console)
    if not resume:
        if group.first:
            folder.require_new()  # before any message about a run that cannot start there
        settings = load_config(preset, config, given, symbol, db)
        origin = None if from_ is None else RunFolder(from_)
        training = Training.new(folder, settings, db, tell, origin=origin, ranks=group)
    elif not auto_resume and (
        symbol or preset or config or set_ or from_ or phase or collector_backend or refresh_every
    ):
        raise typer.BadParameter("a resumed run keeps its configuration", param_hint="--resume")
    else:
        training = Training.begun(folder, db, tell, device=device, ranks=group)
    told = training.config.alerts if group.first else AlertSettings()
    alerts = TrainingRunAlerts(run, told, tell)
    stop = StopSwitch(minutes)
    rules = training.rules
    from_bars = training.config.model.kind == "factored"
    display = TrainingDisplay(
        console, rules.table.action_names, minutes, rules.unit, from_bars=from_bars
    )
    with training.opened(display, stop.requested, tell) as trainer:
        if not group.first:
            with stop:
                trainer.run()
            return
        resuming = f"resume with: {_resuming(folder)}"
        with display, alerts.during(), stop, explained(resuming):
            finished = trainer.run()
    if finished:
        say(console, _done(run))
    else:
        say(console, f"{_saved(trainer)}; {resuming}")
    if as_json and not launched():  # otherwise the launching process prints it
        answer(_left(folder, finished=finished))
    if stop.interrupted and not finished:
        raise typer.Exit(STOPPED_EXIT_CODE)


def _left(folder: "RunFolder", *, finished: bool) -> dict[str, Any]:
    """The result of training: whether it is finished, and its checkpoints."""
    latest, best = folder.checkpoints.latest(), folder.checkpoints.best()
    names = {"latest": latest and latest.name, "best": best and best.name}
    return {"run": str(folder.path), "finished": finished, "checkpoints": names}


def _done(run: Path) -> str:
    return f"done; next: {command('evaluate', run, '--split', 'test')}"


def _saved(trainer: "Trainer") -> str:
    """How far a training that was stopped has come, and whether it was judged on the way."""
    from mlx_muzero.training.phases.schedule import episodes_of

    counters, train = trainer.counters, trainer.config.train
    saved = f"saved after {counters.episodes} episodes"
    if trainer.folder.checkpoints.validated:
        return saved
    first = min(train.validate_interval, episodes_of(train, counters.phase))
    return f"{saved}, before the first validation (after {first:,}): how good it is, is unknown"


def _resuming(folder: "RunFolder") -> str:
    return command("train", "--run", folder.path, "--resume")


def _overrides(
    phase: str | None,
    device: str | None,
    collector_backend: str | None,
    refresh_steps: int | None,
) -> list[str]:
    given = {
        "train.phase": phase,
        "train.device": device,
        "collect.backend": collector_backend,
        "collect.refresh_steps": refresh_steps,
    }
    return [f"{key}={value}" for key, value in given.items() if value is not None]
