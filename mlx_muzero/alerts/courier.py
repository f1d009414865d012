"""Brings alerts to their places: at their time, again after a failure, never twice on purpose."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.channel import Channel, Undelivered
from mlx_muzero.alerts.kept import MOST_UNDELIVERED, KeptAlerts
from mlx_muzero.alerts.message import Message
from mlx_muzero.alerts.outbox import Outbox
from mlx_muzero.runlog.journal import Clock, utc_now
from mlx_muzero.watch.events import moment

REMEMBERED = timedelta(days=7)
"""How long an alert that was never delivered is told of, by the next process."""

Outcome = Literal["failing", "works", "given up"]


@dataclass(frozen=True)
class Delivery:
    """News of a place, for the journal and the console.

    Attributes:
        channel: the place.
        outcome: that alerts began to fail, are delivered again, or some were given up.
        reason: why; empty if it works.
        count: alerts that this is about.
    """

    channel: str
    outcome: Outcome
    reason: str
    count: int

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the journal's event ``alerts``."""
        return asdict(self)

    def __str__(self) -> str:
        if self.outcome == "works":
            return f"alerts to {self.channel} are delivered again"
        if self.outcome == "failing":
            return f"alerts to {self.channel} fail ({self.reason}); they are kept and tried again"
        return f"alerts to {self.channel} were given up ({self.reason}): {self.count}"


class Courier:
    """Delivers alerts to all places of a run.

    Args:
        run: the run's folder, as messages name it.
        path: the file that keeps what waits.
        channels: the places.
        every_s: least seconds between two messages to a place.
        tell: receives news of places.
        say: receives what only the console needs to know.
        monotonic: returns seconds.
        clock: returns the time.
    """

    def __init__(
        self,
        run: Path,
        path: Path,
        channels: Sequence[Channel],
        every_s: float,
        tell: Callable[[Delivery], None],
        say: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock = utc_now,
    ) -> None:
        self._run, self._path, self._channels = str(run), path, list(channels)
        self._tell, self._say, self._monotonic, self._clock = tell, say, monotonic, clock
        self.kept = KeptAlerts.load(path, every_s, say)
        earlier = self.kept.outboxes
        # A place that is no longer wanted is dropped with what waited for it.
        self.kept.outboxes = {
            channel.name: earlier.get(channel.name) or Outbox(every_s) for channel in channels
        }
        self.kept.undelivered = [lost for lost in self.kept.undelivered if self._is_news(lost[2])]
        self._unwritten = False

    def add(self, alert: Alert) -> None:
        """Let `alert` wait for every place; `keep` makes that durable."""
        for outbox in self.kept.outboxes.values():
            outbox.add(alert, self._monotonic())

    def keep(self) -> None:
        """Write down what waits; a disk that refuses is told once, and nothing ends for it."""
        try:
            self.kept.save(self._path)
            self._unwritten = False
        except OSError as error:
            if not self._unwritten:
                self._say(
                    f"{self._path}: {error.strerror or error}; alerts are sent all the same, but "
                    "those that wait are lost with this process"
                )
            self._unwritten = True

    async def deliver(self, *, last: bool = False) -> None:
        """Send what is due, to all places at once; `last`: everything that waits, once."""
        now_s = self._monotonic()
        self._give_up_old()
        chosen = []
        for channel in self._channels:
            outbox = self.kept.outboxes[channel.name]
            if outbox.waiting and (outbox.due(now_s) or (last and not outbox.backing_off)):
                chosen.append((channel, outbox, outbox.begin(self._run)))
        if not chosen:
            return
        self.keep()
        await asyncio.gather(*(self._send(*one) for one in chosen))
        self.keep()

    async def _send(self, channel: Channel, outbox: Outbox, message: Message) -> None:
        failed_before = bool(outbox.trouble)
        try:
            await channel.send(message)
        except Undelivered as error:
            lost = outbox.failed(self._monotonic(), error)
            if lost:
                self._lose(channel.name, str(error), lost)
            elif not failed_before:
                count = len(message.alerts)
                self._tell(Delivery(channel.name, "failing", str(error), count))
            return
        outbox.sent(self._monotonic())
        if failed_before:
            self._tell(Delivery(channel.name, "works", "", len(message.alerts)))

    def _is_news(self, alert: Alert) -> bool:
        time = moment(alert.time)
        return time is None or self._clock() - time < REMEMBERED

    def _give_up_old(self) -> None:
        for name, outbox in self.kept.outboxes.items():
            if old := outbox.give_up(self._clock()):
                self._lose(name, outbox.trouble or "they are too old", old)

    def _lose(self, channel: str, reason: str, lost: Sequence[Alert]) -> None:
        undelivered = self.kept.undelivered
        undelivered += [(channel, reason, alert) for alert in lost]
        del undelivered[:-MOST_UNDELIVERED]
        self._tell(Delivery(channel, "given up", reason, len(lost)))
