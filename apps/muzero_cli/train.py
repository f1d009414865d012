"""`mlx-muzero train`."""

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Optional

import typer
from rich.console import Console

from mlx_muzero.config import CollectBackend
from muzero_cli.console import say
from muzero_cli.options import ConfigFile, Overrides, Preset, RunDatabase
from muzero_cli.stop_switch import STOPPED_EXIT_CODE, StopSwitch


def train(
    run: Annotated[Path, typer.Option(help="Run folder, new or (with --resume) begun.")],
    symbol: Annotated[Optional[str], typer.Option(help="Symbol to trade; A,B for several.")] = None,
    preset: Preset = "fx_micro",
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    collector_backend: Annotated[
        Optional[CollectBackend],
        typer.Option(help="Play with exports made while training goes on; sets collect.backend."),
    ] = None,
    refresh_every: Annotated[
        Optional[int],
        typer.Option(min=1, help="Training steps between them; sets collect.refresh_steps."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a begun run.")] = False,
    minutes: Annotated[
        Optional[float], typer.Option(min=0.0, help="Stop after this long, with a checkpoint.")
    ] = None,
) -> None:
    """Train an agent; Ctrl-C saves a checkpoint and says how to go on."""
    from mlx_muzero.backends import settle
    from mlx_muzero.trading.core import TradingRules
    from mlx_muzero.training.models import build_model
    from mlx_muzero.training.run import MarketRecord, RunFolder
    from mlx_muzero.training.trainer import Trainer
    from muzero_cli.loading import load_config, load_dataset
    from muzero_cli.training_display import TrainingDisplay

    console = Console(stderr=True)
    folder = RunFolder(run)
    set_ = [*set_, *_collect_overrides(collector_backend, refresh_every)]
    if resume:
        if symbol or config or set_:
            raise typer.BadParameter("a resumed run keeps its configuration", param_hint="--resume")
        settings = folder.config()
        db = db or Path(folder.market().store)
    else:
        settings = load_config(preset, config, set_, symbol)
    dataset, store = load_dataset(settings, db)
    market = MarketRecord.of(store, dataset)
    if resume:
        folder.require_market(market)
    stop = StopSwitch(minutes)
    rules = TradingRules.from_config(settings)
    if settings.search.backend == "auto" and not resume:
        # Once for the whole run, whose config.toml keeps the answer: results depend on it, so a
        # resumed run must name one.
        search, speeds = settle(build_model(settings, rules.table), settings.search)
        settings = replace(settings, search=search)
        say(console, f"search backend: {search.backend} (leaves/s: {speeds})")
    display = TrainingDisplay(
        console, rules.table.action_names, settings.train.episodes, minutes, rules.unit
    )
    trainer = Trainer(settings, dataset, rules, folder, display, stop.requested)
    with folder.held():
        # A run is begun only when all that a configuration or a market can get wrong is past.
        if resume:
            trainer.resume()
            display.starts_at(trainer.counters)
        else:
            folder.begin(settings, market)
        say(
            console,
            f"training on {market.symbol}: {market.bars:,} bars, "
            f"{len(dataset.training_starts()):,} possible sessions, run {run}",
        )
        if settings.collect.backend != "same":
            say(
                console,
                f"collecting with {settings.collect.backend}, exported every "
                f"{settings.collect.refresh_steps} training steps; when an export begins to play "
                "depends on time, so this run cannot be repeated bit for bit",
            )
        with display, stop:
            finished = trainer.run()
    if finished:
        say(console, f"done; next: mlx-muzero evaluate {quote(str(run))} --split test")
    else:
        say(
            console,
            f"saved after {trainer.counters.episodes} episodes; go on with: "
            f"mlx-muzero train --run {quote(str(run))} --resume",
        )
        if stop.interrupted:
            raise typer.Exit(STOPPED_EXIT_CODE)


def _collect_overrides(backend: str | None, refresh_steps: int | None) -> list[str]:
    given = {"backend": backend, "refresh_steps": refresh_steps}
    return [f"collect.{key}={value}" for key, value in given.items() if value is not None]
