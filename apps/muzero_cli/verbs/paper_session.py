"""What `mlx-muzero paper start` does."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shlex import quote

import numpy as np
import typer

from mlx_muzero.config.schema import Config
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.series import SeriesByName
from mlx_muzero.paper.agent_planner import AgentPlanner
from mlx_muzero.paper.beginning import (
    SessionOptions,
    kept_settings,
    load_planner,
    new_settings,
)
from mlx_muzero.paper.delivered import trained_beside_delivered
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.feeds.feed import Feed
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.records.cross_check import open_store
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.origin import origin_of, require_here
from mlx_muzero.paper.records.recorder import Recorder
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.session_setup import (
    begin_of_replay_ns,
    make_feed,
    make_session,
    replayed_series,
)
from mlx_muzero.paper.settings import FillSettings, PaperSettings
from mlx_muzero.processes.stop_signals import outlive_terminal, stop_signals
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.trading.cost_size import cost_note, step_note
from mlx_muzero.training.models import not_validated
from mlx_muzero.training.run import RunFolder
from muzero_cli.display.console import narration_console, say, say_event
from muzero_cli.display.terminal import TerminalConsole
from muzero_cli.failures import answer

INTERRUPTED_EXIT_CODE = 130
_STATUS_EVERY_S = 1.0


def trade(path: Path, options: SessionOptions, as_json: bool) -> None:
    """Begin or go on with the session at `path`, until it ends or Ctrl-C."""
    console = narration_console()
    folder = PaperFolder(path)
    with folder.held():
        require_here(folder)
        origin = origin_of(folder)
        if origin is not None:
            origin.require_still(folder)
            say(console, f"{path} was restored from {origin}; it must not be traded there.")
        settings = _settings(folder, options)
        config, planner = load_planner(settings, say_event)
        series = replayed_series(settings, config)
        session = _new_session(settings, config, planner, series)
        model = RunFolder(Path(settings.session.model))
        warning = not_validated(model, settings.session.checkpoint)
        if warning is not None:
            say(console, warning)
        say(console, _opening(settings, planner, folder.exists))
        trained = model.market()
        for line in trained_beside_delivered(trained, config, settings, series):
            say(console, line)
        feed = _feed(settings, session)
        # A session is begun only when all that options can get wrong is past.
        if not folder.exists:
            folder.begin(settings)
        with open_store(folder) as store:
            engine = Engine(
                folder,
                settings,
                session,
                store,
                Recorder(folder, store, Journal(folder.journal_path)),
                feed,
                feed.now_ns if isinstance(feed, LiveFeed) else None,
                _about(settings, session) | {"restored_from": origin and str(origin)},
                _Status(console, session, settings.fills).minute,
                partial(say, console),
            )
            ended = asyncio.run(_run(engine))
    if as_json:
        answer({"run": str(path), "ended": ended})
    if not ended:
        say(console, f"stopped; resume with: mlx-muzero paper start --run {quote(str(path))}")
        raise typer.Exit(INTERRUPTED_EXIT_CODE)
    say(console, f"the feed has ended; next: mlx-muzero paper report {quote(str(path))}")


def _settings(folder: PaperFolder, options: SessionOptions) -> PaperSettings:
    if folder.exists:
        return kept_settings(folder, options)
    if options.model is None:
        raise typer.BadParameter("a new session needs a training run", param_hint="--model")
    for option, text in (("--from", options.replay_from), ("--to", options.replay_to)):
        try:
            utc_ns(text) if text else None
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint=option) from error
    return new_settings(options, say_event)


def _new_session(
    settings: PaperSettings,
    config: Config,
    planner: AgentPlanner,
    series: Mapping[str, SeriesByName],
) -> Session:
    replayed = settings.session.feed == "replay"
    begin_ns = begin_of_replay_ns(settings) if replayed else time.time_ns()
    return make_session(settings, config, planner, begin_ns, series)


def _opening(settings: PaperSettings, planner: AgentPlanner, resumed: bool) -> str:
    session = settings.session
    return (
        f"{'resumes' if resumed else 'starts'}: {', '.join(settings.pairs)} by checkpoint "
        f"{session.checkpoint} of {session.model}, {session.simulations} simulations a decision, "
        f"backend {planner.backend}, feed {session.feed}"
    )


def _feed(settings: PaperSettings, session: Session) -> Feed:
    history_bars = next(iter(session.traders.values())).observer.history_bars
    return make_feed(settings, history_bars)


def _about(settings: PaperSettings, session: Session) -> Row:
    return {
        "model_run": settings.session.model,
        "checkpoint": settings.session.checkpoint,
        "outcomes": list(OUTCOME_NAMES),
        "unit": session.unit,
    }


async def _run(engine: Engine) -> bool:
    """Run until the feed ends, which is True, or until it is told to stop."""
    loop, interrupted = asyncio.get_running_loop(), False

    def interrupt() -> None:
        nonlocal interrupted
        if interrupted:
            os._exit(INTERRUPTED_EXIT_CODE)  # asked twice; a killed session comes back whole
        interrupted = True
        engine.stop()

    def hang_up() -> None:
        outlive_terminal()
        if not interrupted:  # the shell and the system send one each
            interrupt()

    numbers = stop_signals()
    for number in numbers:
        loop.add_signal_handler(number, hang_up if number == signal.SIGHUP else interrupt)
    try:
        return await engine.run()
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class _Status:
    """One line a minute, or a second where minutes are shorter."""

    def __init__(self, console: TerminalConsole, session: Session, fills: FillSettings) -> None:
        self._console = console
        self._next_s = 0.0
        self._fills = fills
        self._pips = {pair: t.account.core.rules.pip_size for pair, t in session.traders.items()}

    def minute(self, facts: Row) -> None:
        """Tell of a minute, and of the costs of pairs as soon as they have a price."""
        self._costs(facts["pairs"])
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _STATUS_EVERY_S
        states = [pair["state"] for pair in facts["pairs"].values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        reason = f" ({facts['mode_reason']})" if facts["mode_reason"] else ""
        say(
            self._console,
            f"{utc_text(facts['close_ns'])} UTC  {facts['mode']}{reason}  equity "
            f"{facts['equity']:,.2f}  day {facts['day_pnl']:+,.2f}  exposure "
            f"{facts['exposure_total']:g}  {counts}  {facts['latency_ms']['total']:.0f} ms",
        )

    def _costs(self, pairs: Mapping[str, Row]) -> None:
        """Tell what a round trip costs, once of all the pairs it costs the same."""
        of_notes: dict[str, list[str]] = {}
        step_notes = []
        for pair in [pair for pair in self._pips if pairs[pair]["close"]]:
            pip_size, close = self._pips.pop(pair), pairs[pair]["close"]
            costs = self._fills.whole_costs(pip_size)
            of_notes.setdefault(cost_note(costs, close, pip_size), []).append(pair)
            if note := step_note(pair, np.array([close]), costs, pip_size):
                step_notes.append(note)
        for note, alike in of_notes.items():
            say(self._console, f"{', '.join(alike)}: {note}")
        for note in step_notes:
            say(self._console, note)
