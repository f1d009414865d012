"""`mlx-muzero paper start`."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import typer

from mlx_muzero.alerts.of_runs import SessionAlerts
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.paper.beginning import SessionOptions, settings_of
from mlx_muzero.paper.cost_notes import CostNotes
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.opening import opened
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import FillSettings, PaperSettings
from mlx_muzero.processes.stop_signals import outlive_terminal, stop_signals
from mlx_muzero.words import command
from muzero_cli.display.console import narration_console, say, say_event
from muzero_cli.display.terminal import TerminalConsole
from muzero_cli.failures import answer

INTERRUPTED_EXIT_CODE = 130
_STATUS_EVERY_S = 1.0


def trade(path: Path, options: SessionOptions, as_json: bool) -> None:
    """Start or resume the session at `path`, until it ends or Ctrl-C."""
    console = narration_console()
    folder = PaperFolder(path)
    tell = partial(say, console)
    with opened(
        folder,
        lambda: _settings(folder, options, tell),
        say_event,
        tell,
        lambda session, settings: _Status(console, session, settings.fills).minute,
        lambda settings: SessionAlerts(path, settings.alerts, tell),
    ) as engine:
        ended = asyncio.run(_run(engine))
    if as_json:
        answer({"run": str(path), "ended": ended})
    if not ended:
        say(console, f"stopped; resume with: {command('paper', 'start', '--run', path)}")
        raise typer.Exit(INTERRUPTED_EXIT_CODE)
    say(console, f"the feed has ended; next: {command('paper', 'report', path)}")


def _settings(
    folder: PaperFolder, options: SessionOptions, tell: Callable[[str], None]
) -> PaperSettings:
    if not folder.exists:
        _check(options)
    return settings_of(folder, options, say_event, tell)


def _check(options: SessionOptions) -> None:
    """Refuse options with which no new session can start."""
    if options.model is None:
        raise typer.BadParameter("a new session needs a training run", param_hint="--model")
    for option, text in (("--from", options.replay_from), ("--to", options.replay_to)):
        try:
            utc_ns(text) if text else None
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint=option) from error


async def _run(engine: Engine) -> bool:
    """Run until the feed ends (True) or a signal stops the session (False)."""
    loop, interrupted = asyncio.get_running_loop(), False

    def interrupt(by: str) -> None:
        nonlocal interrupted
        if interrupted:
            os._exit(INTERRUPTED_EXIT_CODE)  # second request; a killed session recovers whole
        interrupted = True
        engine.stop(by)

    def hang_up() -> None:
        outlive_terminal()
        if not interrupted:  # the shell and the system each send one
            interrupt("SIGHUP")

    numbers = stop_signals()
    for number in numbers:
        handle = hang_up if number == signal.SIGHUP else partial(interrupt, number.name)
        loop.add_signal_handler(number, handle)
    try:
        return await engine.run()
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class _Status:
    """Prints one line per minute, at most one per second."""

    def __init__(self, console: TerminalConsole, session: Session, fills: FillSettings) -> None:
        self._console = console
        self._next_s = 0.0
        self._costs = CostNotes(session, fills)

    def minute(self, facts: Row) -> None:
        """Print a minute, and the cost of each pair as soon as it has a price."""
        for note in self._costs.of_minute(facts["pairs"]):
            say(self._console, note)
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
