"""The thread that alerts of a run while it runs, by reading the journal that the run writes."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from mlx_muzero.alerts.channel import Channel
from mlx_muzero.alerts.channels import channels_of
from mlx_muzero.alerts.courier import Courier, Delivery
from mlx_muzero.alerts.kept import FILE
from mlx_muzero.alerts.table import AlertTable
from mlx_muzero.alerts.tail import JournalTail
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog.journal import JOURNAL, Clock, utc_now

LOOK_EVERY_S = 1.0
LAST_S = 15.0
"""How long the end of a run waits for its last alerts; the next start sends what is left."""


class Alerter:
    """Alerts of one run, from `start` to `close`.

    Args:
        run: the run's folder.
        settings: its alerts.
        table: makes alerts of its events.
        environment: has addresses and tokens.
        say: receives text for the console, from any thread.
        clock: returns the time.
        channels: the places; those of `settings` if None.

    Raises:
        ConfigError: an address, token or program is missing.
        AlertError: a package is missing.
    """

    def __init__(
        self,
        run: Path,
        settings: AlertSettings,
        table: AlertTable,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        clock: Clock = utc_now,
        channels: list[Channel] | None = None,
    ) -> None:
        self._run, self._settings, self._table = run, settings, table
        self._say, self._clock = say, clock
        self._channels = channels_of(settings, environment) if channels is None else channels
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self, supervisor: Supervisor, tell: Callable[[Delivery], None]) -> None:
        """Begin, in the folder that this process holds; what an earlier one left comes first.

        `tell` receives news of places, from the thread.
        """
        if not self._channels:
            # Nobody wants what waited, and its troubles are nobody's any more.
            (self._run / FILE).unlink(missing_ok=True)
            return
        every_s = self._settings.every_s
        self._courier = Courier(
            *(self._run, self._run / FILE, self._channels, every_s, tell, self._say),
            clock=self._clock,
        )
        kept = self._courier.kept
        self._tail = JournalTail(self._run / JOURNAL, self._table.MAKERS.keys(), kept.cursor)
        kept.cursor = self._tail.cursor
        self._courier.keep()
        self._loop = loop = asyncio.new_event_loop()
        self._thread = supervisor.thread("alerts", lambda: self._work(loop))

    def close(self, error: BaseException | None = None) -> None:
        """Send what waits, and end; `error` is what the journal could not be told of."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        with suppress(RuntimeError):  # the loop has ended with its thread
            loop.call_soon_threadsafe(self._end, error)
        thread.join(LAST_S)
        if thread.is_alive():
            self._say("some alerts are still unsent; the next start sends them")

    def _end(self, error: BaseException | None) -> None:
        alert = error and self._table.of_error(error, self._clock().isoformat())
        if alert:
            self._courier.add(alert)
        self._closing.set()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        while not self._closing.is_set():
            self._take()
            await self._courier.deliver()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._closing.wait()
        self._take()
        await self._courier.deliver(last=True)

    def _take(self) -> None:
        """Let everything new in the journal wait, durably."""
        before = self._tail.cursor
        while True:
            try:
                events = self._tail.new()
            except OSError:
                return  # whoever writes the journal tells what is wrong with it
            for event in events:
                if (alert := self._table.of(event)) is not None:
                    self._courier.add(alert)
            if self._tail.cursor == self._courier.kept.cursor:
                break
            self._courier.kept.cursor = self._tail.cursor
        if self._tail.cursor != before and any(
            outbox.waiting for outbox in self._courier.kept.outboxes.values()
        ):
            self._courier.keep()
