"""Watches a paper session: looks at it, alarms, and starts it again as far as that is allowed."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import mlx_muzero
from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.channel import Channel
from mlx_muzero.alerts.courier import Courier
from mlx_muzero.alerts.kept import WATCH_FILE
from mlx_muzero.config.choices import AlertKind
from mlx_muzero.watchdog.kept import WatchMemory
from mlx_muzero.watchdog.look import Lookout
from mlx_muzero.watchdog.starts import Starts
from mlx_muzero.watchdog.version import boot_id, installed_version
from mlx_muzero.watchdog.vigil import Look, Step, Vigil
from mlx_muzero.words import command

LOOK_S = 2.0
VERSION_EVERY_S = 30.0
"""How often the version on the disk is looked at."""

_EVERY_S = 5.0


class Child(Protocol):
    """A process that the watch started."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""


class Watcher:
    """The watch over the session in `run`.

    Args:
        run: the session's folder.
        channels: where alarms go.
        start: starts the session in a process of its own.
        restarts: how often an hour it may.
        say: receives what the watch does, for its log and the console.
        monotonic: returns seconds of a clock that stands still while the machine sleeps.
        wall: returns seconds since 1970.
        boot: returns what identifies the present boot.
        installed: returns the version on the disk; empty while it cannot be told.
    """

    def __init__(
        self,
        run: Path,
        channels: Sequence[Channel],
        start: Callable[[], Child],
        restarts: int,
        say: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        boot: Callable[[], str] = boot_id,
        installed: Callable[[], str] = installed_version,
    ) -> None:
        self._run, self._start, self._say = run, start, say
        self._monotonic, self._wall, self._installed = monotonic, wall, installed
        self._courier = Courier(
            *(run, run / WATCH_FILE, channels, _EVERY_S),
            lambda news: say(str(news)),
            say,
            monotonic,
            self._now,
        )
        memory, problem = WatchMemory.load(run)
        if problem:
            say(problem)
        self._memory = memory
        self._vigil = Vigil(restarts > 0, memory.boot, memory.told)
        self._starts = Starts(restarts, memory.starts_s, memory.count)
        self._lookout = Lookout(run, boot)
        self._child: Child | None = None
        self._looked_s: float | None = None
        self._held_back = False
        self._version = mlx_muzero.__version__
        self._version_s, self._seen_version = monotonic(), self._version

    def once(self) -> None:
        """Look once, and do what follows.

        Raises:
            RunError: the folder holds no session any more.
        """
        now_s = self._monotonic()
        step_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        code = None if self._child is None else self._child.poll()
        running = None if self._child is None or code is not None else self._child.pid
        look = self._lookout.look(running, code, self._starts.count)
        if self._child is not None and look.pid not in (None, self._child.pid):
            self._child = None  # somebody else started the session meanwhile
        for step in self._vigil.take(look, step_s):
            self._do(step, look)
        self._remember()
        asyncio.run(self._courier.deliver())
        self._looked_s = self._monotonic()  # delivering may take long, and is no sleep

    def finish(self) -> None:
        """Send what waits; the session goes on without a watch."""
        asyncio.run(self._courier.deliver(last=True))

    @property
    def updated(self) -> str:
        """The version to which the package was updated, once it is wholly there; empty if not."""
        now_s = self._monotonic()
        if now_s - self._version_s < VERSION_EVERY_S:
            return ""
        found, before = self._installed(), self._seen_version
        self._version_s, self._seen_version = now_s, found
        return found if found and found == before and found != self._version else ""

    def tell_update(self, version: str) -> None:
        """Say that the watch begins again with `version`, and what the session runs."""
        self._say(
            f"mlx-muzero was updated from {self._version} to {version}: the watch begins again"
        )
        trades = self._lookout.version
        if trades and trades != version:
            what = f"mlx-muzero was updated to {version}; the session goes on with {trades}"
            self._alert("stop", what, "nothing changes until it is started again", "stop")
            self.finish()

    def _do(self, step: Step, look: Look) -> None:
        why = step.why
        if step.what == "died":
            effect = "nothing is traded; positions stay as they are"
            if self._vigil.restarts and not look.halted:
                effect += "; the watch starts it again"
            self._alarm("fault", f"the session died: {why}", effect, "start", "--run")
        elif step.what == "silent":
            effect = "it may hang, and decide nothing"
            self._alarm("fault", f"the session is silent: {why}", effect, "status")
        elif step.what == "refused":
            what = f"the session is not started again: {why}"
            self._alarm("fault", what, "nothing is traded until you start it", "start", "--run")
        elif step.what == "back":
            self._held_back = False
            self._alarm("stop", f"the session is back: {why}", "it trades", "status")
        elif step.what == "resting":
            self._say(f"the session rests: {why}; it is watched again when you start it")
        elif step.what == "start":
            self._restart(why)
        else:
            self._kill(look, why)

    def _restart(self, why: str) -> None:
        why_not = self._starts.why_not(self._wall())
        if why_not is not None:
            if why_not and not self._held_back:
                self._held_back = True
                what = f"the session is not started again: {why_not}"
                self._alarm("fault", what, "it is tried again within the hour", "start", "--run")
            return
        self._held_back = False
        which = self._starts.add(self._wall())
        self._remember()
        self._child = self._start()
        self._say(f"started the session in process {self._child.pid} ({which}), because {why}")
        effect = "positions are those of its last commit; missed bars are not traded on"
        self._alert("stop", f"the session is started again ({which}): {why}", effect, "status")

    def _kill(self, look: Look, why: str) -> None:
        if look.pid is None:
            return
        self._say(f"ends process {look.pid} by force: {why}")
        with suppress(ProcessLookupError):
            os.kill(look.pid, signal.SIGKILL)

    def _alarm(self, kind: AlertKind, what: str, effect: str, *verb: str) -> None:
        """Say `what`, and alert of it, to be answered by `verb` of ``paper``."""
        self._say(what)
        self._alert(kind, what, effect, *verb)

    def _alert(self, kind: AlertKind, what: str, effect: str, *verb: str) -> None:
        answer = command("paper", *verb, self._run)
        time_text = self._now().isoformat()
        self._courier.add(Alert(kind, what, effect, answer, time_text, urgent=kind == "fault"))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def _remember(self) -> None:
        starts = self._starts
        memory = WatchMemory(self._vigil.boot, self._vigil.told, starts.count, list(starts.times_s))
        if memory == self._memory:
            return
        try:
            memory.save(self._run)
            self._memory = memory
        except OSError as error:
            self._say(f"{self._run}: the watch cannot remember ({error.strerror or error})")
