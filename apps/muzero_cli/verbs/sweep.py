"""`mlx-muzero sweep`."""

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say
from muzero_cli.failures import STOPPED_EXIT_CODE, answer
from muzero_cli.options import (
    ConfigFile,
    Json,
    MinutesOfEach,
    Overrides,
    Preset,
    Ranks,
    RunDatabase,
    TradedSymbols,
    to_be_read,
)

if TYPE_CHECKING:
    from mlx_muzero.experiment.sweep import Sweep, Trial


def sweep(
    file: Annotated[
        Path,
        typer.Argument(
            help="TOML file with [[trial]] tables, or a [space] to draw from.", callback=to_be_read
        ),
    ],
    run: Annotated[
        Path,
        typer.Option(
            help="Folder: new, or of the same sweep, which goes on.", autocompletion=completion.runs
        ),
    ],
    minutes: MinutesOfEach = None,
    symbol: TradedSymbols = None,
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    ranks: Ranks = None,
    as_json: Json = False,
) -> None:
    """Train several configurations, and rank them by their validation splits alone."""
    from mlx_muzero.config.sweep_file import load_trials
    from mlx_muzero.experiment.loading import load_config
    from mlx_muzero.experiment.sweep import FAILURES, Sweep
    from mlx_muzero.trading.rules import TradingRules
    from mlx_muzero.training.sweep_folder import SweepFolder
    from mlx_muzero.untrusted.json_values import in_unit
    from muzero_cli.display.sweep import sweep_report

    tell = partial(say, narration_console())
    base = load_config(preset, config, set_, symbol, db)
    found = Sweep.of(SweepFolder(run), base, load_trials(file, base), minutes, db)
    stopped = False
    for trial in found.rest():
        tell(f"trial {trial.number} of {len(found.plan.trials)}: run {trial.run.path}")
        train = _train_here if ranks is None else partial(_train_by_ranks, ranks)
        began = time.monotonic()
        try:
            finished, stopped = train(found, trial)
        except FAILURES as error:
            tell(f"trial {trial.number} failed: {error}")
            found.folder.failed(trial.number, str(error))
            continue
        spent = (time.monotonic() - began) / 60.0
        found.folder.times.add(trial.number, spent, finished=finished)
        if stopped:
            break
    results, unit = found.ranked(), TradingRules.from_config(base).unit
    if as_json:
        trials = [result.as_dict() for result in results]
        answer(in_unit({"run": str(run), "trials": trials}, unit))
    else:
        output_console().print(sweep_report(results, unit))
    if stopped:
        tell("stopped; the same command goes on")
        raise typer.Exit(STOPPED_EXIT_CODE)


def _train_here(sweep: "Sweep", trial: "Trial") -> tuple[bool, bool]:
    """Train in this process; return whether it is finished, and whether the user stopped it."""
    from mlx_muzero.alerts.of_runs import TrainingRunAlerts
    from mlx_muzero.experiment.stop_switch import StopSwitch
    from muzero_cli.display.training import TrainingDisplay

    console = narration_console()
    tell = partial(say, console)
    training = sweep.training(trial, tell)
    alerts = TrainingRunAlerts(training.folder.path, training.config.alerts, tell)
    stop, rules = StopSwitch(trial.minutes), training.rules
    display = TrainingDisplay(
        console,
        rules.table.action_names,
        trial.minutes,
        rules.unit,
        from_bars=training.config.model.kind == "factored",
    )
    with training.opened(display, stop.requested, tell) as trainer, alerts.during(), display, stop:
        finished = trainer.run()
    return finished, stop.interrupted and not finished


def _train_by_ranks(ranks: int, sweep: "Sweep", trial: "Trial") -> tuple[bool, bool]:
    """Train in several processes; return as `_train_here`."""
    from mlx_muzero.config import toml as config_toml
    from mlx_muzero.files.regular import write_text
    from mlx_muzero.training.launch import launch

    file = trial.run.path.with_name(f"{trial.run.path.name}.toml")
    write_text(file, config_toml.dumps(sweep.plan.trials[trial.number - 1]))
    how = ["--resume"] if trial.run.exists else ["--config", str(file.absolute())]
    limit = [] if trial.minutes is None else ["--minutes", f"{trial.minutes:g}"]
    run, store = str(trial.run.path.absolute()), str(Path(sweep.plan.store).absolute())
    verb = ["train", "--run", run, "--db", store, *how, *limit]
    began = time.monotonic()
    ended = launch(trial.run, [sys.executable, "-P", "-m", "muzero_cli.main", *verb], ranks, None)
    spent = (time.monotonic() - began) / 60.0
    early = trial.minutes is None or spent < trial.minutes
    return ended == "finished", ended != "finished" and early
