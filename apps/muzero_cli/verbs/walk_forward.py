"""`mlx-muzero walk-forward`."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_muzero.words import command
from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say, say_event
from muzero_cli.failures import STOPPED_EXIT_CODE, answer, end_with
from muzero_cli.options import (
    ConfigFile,
    CsvFolder,
    ExitCode,
    HtmlFile,
    Json,
    MinutesOfEach,
    Overrides,
    ParquetFolder,
    Preset,
    RunDatabase,
    Sessions,
    TradedSymbols,
)

if TYPE_CHECKING:
    from mlx_muzero.alerts.of_runs import TrainingRunAlerts
    from mlx_muzero.experiment.stop_switch import StopSwitch
    from mlx_muzero.experiment.walk_forward import Attendance, RollingTraining, Window
    from muzero_cli.display.training import TrainingDisplay


def walk_forward(
    run: Annotated[
        Path,
        typer.Option(
            help="Folder: new, or with --resume an existing one.", autocompletion=completion.runs
        ),
    ],
    windows: Annotated[int, typer.Option(min=1, help="Number of windows.")] = 4,
    minutes: MinutesOfEach = None,
    symbol: TradedSymbols = None,
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    sessions: Sessions = None,
    anchored: Annotated[
        bool, typer.Option("--anchored", help="Begin every window with the first bar.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume, or print the report again.")
    ] = False,
    csv: CsvFolder = None,
    parquet: ParquetFolder = None,
    html: HtmlFile = None,
    exit_code: ExitCode = False,
    as_json: Json = False,
) -> None:
    """Train and test in rolling windows over years, with one report of all tests."""
    from mlx_muzero.experiment.loading import load_config
    from mlx_muzero.experiment.walk_forward import RollingTraining
    from mlx_muzero.experiment.walk_forward_page import WindowsExplained
    from mlx_muzero.training.walk_forward_folder import WalkForwardFolder
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.walk_forward import walk_forward_report
    from muzero_cli.pages import command_line, page_written
    from muzero_cli.tables import made, written

    folders = made({"csv": csv, "parquet": parquet})  # fails before anything is trained
    tell = partial(say, narration_console())
    folder = WalkForwardFolder(run)
    if resume:
        if symbol or preset or config or set_ or anchored or minutes is not None:
            raise typer.BadParameter(
                "a walk-forward keeps its original plan", param_hint="--resume"
            )
        training = RollingTraining.begun(folder, db)
    else:
        folder.require_new()
        settings = load_config(preset, config, set_, symbol, db)
        training = RollingTraining.new(folder, settings, windows, minutes, db, anchored=anchored)
    for note in training.notes:
        tell(note)
    if not training.train_rest(partial(_attend, training)):
        tell(f"resume with: {_resuming(run)}")
        raise typer.Exit(STOPPED_EXIT_CODE)
    for warning in training.unvalidated():
        tell(warning)
    with VerbProgress() as progress:
        shown = WindowsExplained(len(training.configs)) if html else None
        each = (lambda _run, _test: None) if shown is None else shown.take
        tested = training.test(sessions, progress.tick, progress.doing, say_event, each)
    written(tested.tables, folders)
    if shown is not None:
        page_written(shown.page(tested, command_line()), html)
    if as_json:
        answer(tested.as_dict())
    else:
        output_console().print(walk_forward_report(tested))
    if exit_code:
        end_with(tested.luck.verdict)


def _attend(training: "RollingTraining", window: "Window", stop: "StopSwitch") -> "Attendance":
    """Show the training of `window`."""
    from mlx_muzero.alerts.of_runs import TrainingRunAlerts
    from mlx_muzero.experiment.walk_forward import Attendance
    from muzero_cli.display.training import TrainingDisplay

    console, rules, market = narration_console(), training.rules, window.config.market
    say(
        console,
        f"window {window.number} of {len(training.configs)}: {market.first_utc} to "
        f"{market.end_utc} UTC, including its test at the end",
    )
    from_bars = window.config.model.kind == "factored"
    display = TrainingDisplay(
        console, rules.table.action_names, window.minutes, rules.unit, from_bars=from_bars
    )
    run = training.folder.run(window.number).path
    alerts = TrainingRunAlerts(run, window.config.alerts, partial(say, console))
    return Attendance(display, _shown(display, stop, training.folder.path, alerts))


@contextmanager
def _shown(
    display: "TrainingDisplay", stop: "StopSwitch", run: Path, alerts: "TrainingRunAlerts"
) -> Iterator[None]:
    from mlx_muzero.files.refusals import explained

    with display, alerts.during(), stop, explained(f"resume with: {_resuming(run)}"):
        yield


def _resuming(run: Path) -> str:
    return command("walk-forward", "--run", run, "--resume")
