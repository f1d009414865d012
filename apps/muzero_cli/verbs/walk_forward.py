"""`mlx-muzero walk-forward`."""

import time
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say, say_event
from muzero_cli.failures import answer
from muzero_cli.options import ConfigFile, Json, Overrides, Preset, RunDatabase
from muzero_cli.stop_switch import STOPPED_EXIT_CODE, StopSwitch

if TYPE_CHECKING:
    from mlx_muzero.config.schema import Config
    from mlx_muzero.evaluation.walk_forward import WalkForward
    from mlx_muzero.experiment.loading import PeriodOf
    from mlx_muzero.training.walk_forward_folder import WalkForwardFolder
    from muzero_cli.display.terminal import TerminalConsole


def walk_forward(
    run: Annotated[
        Path,
        typer.Option(help="Folder, new or (with --resume) begun.", autocompletion=completion.runs),
    ],
    windows: Annotated[int, typer.Option(min=1, help="How many.")] = 4,
    minutes: Annotated[
        Optional[float], typer.Option(min=0.0, help="Training of each; by default all episodes.")
    ] = None,
    symbol: Annotated[
        Optional[str],
        typer.Option(help="Symbol to trade; A,B for several.", autocompletion=completion.symbols),
    ] = None,
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    sessions: Annotated[
        Optional[int],
        typer.Option(min=1, help="At most so many of each test, spread evenly; all by default."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on, or report again.")] = False,
    as_json: Json = False,
) -> None:
    """Train and test in rolling windows over years; one report of all the tests."""
    from mlx_muzero.evaluation.walk_forward_report import walk_forward_report
    from mlx_muzero.experiment.loading import costs_of, load_config, load_dataset
    from mlx_muzero.training.device import use_device
    from mlx_muzero.training.run import MarketRecord
    from mlx_muzero.training.walk_forward_folder import Plan, WalkForwardFolder, window_configs

    console = narration_console()
    folder = WalkForwardFolder(run)
    if resume:
        if symbol or preset or config or set_ or minutes is not None:
            raise typer.BadParameter("what was begun keeps its plan", param_hint="--resume")
        settings, plan = folder.config(), folder.plan()
        begun = plan.market
        period = begun.period if begun else None
        dataset, store = load_dataset(settings, db or Path(plan.store), period=period)
        market = MarketRecord.of(store, dataset)
        if begun:
            begun.require(market, run)
        plan = replace(plan, market=begun or market)
    else:
        folder.require_new()
        settings = load_config(preset, config, set_, symbol, db)
        dataset, store = load_dataset(settings, db)
        market = MarketRecord.of(store, dataset)
        plan = Plan(windows, minutes, str(store), market)
    period = market.period
    use_device(settings.train.device)
    configs = window_configs(settings, dataset.open_time_ns, plan.windows)
    folder.require_windows(configs)
    notes = [
        f"window {number} of {plan.windows}: {note}"
        for number, of_window in enumerate(configs, 1)
        for note in _checked(of_window, store, period, number, plan.windows)
    ]
    if resume:
        folder.keep(plan)
    else:
        settings = _with_backend(settings)
        folder.begin(settings, plan)
    for note in (*costs_of(settings, dataset), *notes):
        say(console, note)
    configs = [replace(of_window, search=settings.search) for of_window in configs]
    for number, of_window in enumerate(configs, 1):
        left = folder.minutes_left(number)
        if left == 0.0 and folder.window(number).checkpoints.latest() is not None:
            continue
        say(console, f"window {number} of {plan.windows}: trained on {_span(of_window)}")
        if _train(folder, number, of_window, store, period, left, console):
            say(console, f"go on with: {_resuming(run)}")
            raise typer.Exit(STOPPED_EXIT_CODE)
    tested = _test(folder, configs, store, sessions)
    if as_json:
        answer(tested.as_dict())
        return
    output_console().print(walk_forward_report(tested))


def _span(config: "Config") -> str:
    return f"{config.market.first_utc} to {config.market.end_utc} UTC, its test at the end"


def _with_backend(settings: "Config") -> "Config":
    from mlx_muzero.agent.backend_choice import settle
    from mlx_muzero.trading.core import TradingRules
    from mlx_muzero.training.models import build_model

    if settings.search.backend != "auto":
        return settings
    # Once for all windows, as their figures are to be compared.
    table = TradingRules.from_config(settings).table
    search, _ = settle(build_model(settings, table), settings.search)
    return replace(settings, search=search)


def _checked(
    config: "Config", store: Path, period: "PeriodOf", number: int, windows: int
) -> list[str]:
    """What the window's bars lack, and whether they suffice, before anything is trained in vain."""
    from mlx_muzero.errors import DataError
    from mlx_muzero.experiment.loading import load_dataset
    from mlx_muzero.market.sessions import SPLITS

    notes: list[str] = []
    try:
        dataset, _ = load_dataset(config, store, tell=notes.append, period=period)
        for split in SPLITS:
            dataset.evaluation_starts(split)
    except DataError as error:
        raise DataError(
            f"window {number} of {windows}: {error} Or choose fewer windows."
        ) from error
    return notes


def _train(
    folder: "WalkForwardFolder",
    number: int,
    config: "Config",
    store: Path,
    period: "PeriodOf",
    minutes: float | None,
    console: "TerminalConsole",
) -> bool:
    """Train window `number`; whether the user stopped it."""
    from mlx_muzero.experiment.loading import load_dataset
    from mlx_muzero.files.refusals import explained
    from mlx_muzero.trading.core import TradingRules
    from mlx_muzero.training.run import MarketRecord
    from mlx_muzero.training.trainer import Trainer
    from muzero_cli.display.training import TrainingDisplay

    run = folder.window(number)
    rules = TradingRules.from_config(config)
    dataset, store = load_dataset(config, store, period=period)
    market = MarketRecord.of(store, dataset)
    stop = StopSwitch(minutes)
    display = TrainingDisplay(console, rules.table.action_names, minutes, rules.unit)
    trainer = Trainer(config, dataset, rules, run, display, stop.requested)
    began = time.monotonic()
    with run.held():
        if run.exists:
            run.require_market(market)
            trainer.resume()
        else:
            run.begin(config, market)
        with display, stop, explained(f"go on with: {_resuming(folder.path)}"):
            finished = trainer.run()
    folder.trained(number, (time.monotonic() - began) / 60.0, finished=finished)
    return stop.interrupted and not finished


def _resuming(run: Path) -> str:
    return f"mlx-muzero walk-forward --run {quote(str(run))} --resume"


def _test(
    folder: "WalkForwardFolder", configs: "list[Config]", store: Path, sessions: int | None
) -> "WalkForward":
    from mlx_muzero.evaluation.walk_forward import WalkForward, play_window
    from mlx_muzero.experiment.trained_run import load_run
    from mlx_muzero.market.bars import utc_ns
    from mlx_muzero.trading.core import TradingRules
    from mlx_muzero.training.models import not_validated
    from muzero_cli.display.progress import VerbProgress

    for window in (folder.window(number) for number in range(1, len(configs) + 1)):
        best = window.checkpoints.best()
        warning = None if best is None else not_validated(window, best.name)
        if warning is not None:
            say(narration_console(), warning)
    tests = []
    tested_until_ns = 0
    with VerbProgress() as progress:
        for number, config in enumerate(configs, 1):

            def doing(what: str, total: int | None, window: int = number) -> None:
                progress.doing(f"window {window} of {len(configs)}, {what}", total)

            loaded = load_run(folder.window(number).path, "best", store, report=say_event)
            agents = loaded.agents(loaded.agent(), config.search.num_simulations)
            tests.append(
                play_window(
                    agents,
                    loaded.checkpoint,
                    loaded.dataset,
                    loaded.rules,
                    tested_until_ns,
                    sessions,
                    progress.tick,
                    doing,
                )
            )
            tested_until_ns = utc_ns(config.market.end_utc)
    return WalkForward(tuple(tests), TradingRules.from_config(configs[0]))
