"""`mlx-muzero paper watch`."""

import os
import signal
import sys
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from mlx_muzero.alerts.channels import channels_of
from mlx_muzero.alerts.secrets import read_secrets
from mlx_muzero.errors import ConfigError, RunError
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.processes.stop_signals import outlive_terminal, stop_signals
from mlx_muzero.runlog.lock import locked
from mlx_muzero.runlog.logs import log_of
from mlx_muzero.watchdog.log import WatchLog
from mlx_muzero.watchdog.watcher import LOOK_S, Child, Watcher
from muzero_cli.display.console import narration_console, say
from muzero_cli.failures import answer
from muzero_cli.spawning import opened_log, spawn


def watch(run: Path, restarts: int, secrets: Path | None, as_json: bool) -> None:
    """Watch the session at `run` until a signal ends the watch; the session goes on.

    Raises:
        ConfigError: nobody would be told, and nothing done; or a place lacks its address.
        RunError: another process watches it.
    """
    folder = PaperFolder.of_session(run)
    if secrets is not None:
        os.environ.update(read_secrets(secrets))  # for the session that is started, too
    settings = folder.settings().alerts
    if not settings.to and not restarts:
        raise ConfigError(
            f"{folder.mark_path}: alerts.to names no place, so the watch could tell nobody: write "
            "it into the section [alerts], or let it start the session again with --restart 3"
        )
    channels = channels_of(settings, os.environ)
    console, ended = narration_console(), threading.Event()
    with ExitStack() as stack:
        _hold(run, stack)
        log = WatchLog(run, lambda text: say(console, text))
        watcher = Watcher(run, channels, lambda: _start(run), restarts, log.say)
        for number in stop_signals():
            signal.signal(number, partial(_end, ended))
        log.say(f"watches {run}")
        updated = _follow(watcher, ended)
        if updated:
            watcher.tell_update(updated)
        else:
            watcher.finish()
            log.say("the watch ends; the session is as it was")
    if updated:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    if as_json:
        answer({"run": str(run), "ended": True})


def _end(ended: threading.Event, number: int, _frame: object) -> None:
    if number == signal.SIGHUP:
        outlive_terminal()
    ended.set()


def _hold(run: Path, stack: ExitStack) -> None:
    try:
        stack.enter_context(locked(run / "watch.lock"))
    except BlockingIOError as error:
        raise RunError(f"{run} is already watched by process {error}.") from error


def _follow(watcher: Watcher, ended: threading.Event) -> str:
    """Look until `ended` is set, or the package was updated; returns the new version then."""
    while True:
        watcher.once()
        if updated := watcher.updated:
            return updated
        if ended.wait(LOOK_S):
            return ""


def _start(run: Path) -> Child:
    with opened_log(log_of(run)) as log:
        return spawn(["paper", "start", "--run", str(run)], log)
