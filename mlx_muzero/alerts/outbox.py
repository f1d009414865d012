"""What waits for one place, and when it is sent, tried again or given up.

Nothing here waits or reads a clock: seconds are of a monotonic clock and come as arguments.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.alerts.message import Message
from mlx_muzero.watch.events import moment

MOST_WAITING = 100
"""Alerts that wait for a place; more are only counted, by kind."""

GATHER_S = 2.0
"""How long the first alert waits for others of its minute."""

URGENT_EVERY_S = 5.0
LONGEST_BACKOFF_S = 300.0
GIVE_UP = timedelta(hours=24)
"""An alert that could not be delivered for so long is given up."""


class Outbox:
    """Alerts that wait for one place.

    Args:
        every_s: least seconds between two messages.
        waiting: alerts, oldest first.
        more: how many of each kind there was no room for.
        begun: whether they were being sent when the last process ended.

    Attributes:
        trouble: why the last attempt failed; empty if it did not.
    """

    def __init__(
        self,
        every_s: float,
        waiting: Iterable[Alert] = (),
        more: Mapping[str, int] | None = None,
        *,
        begun: bool = False,
    ) -> None:
        self.waiting, self.more = list(waiting), Counter(dict(more or {}))
        self.begun = self._repeated = begun
        self.trouble = ""
        self._every_s = every_s
        self._since_s: float | None = None
        self._sent_s = self._not_before_s = -math.inf
        self._failures = 0

    def add(self, alert: Alert, now_s: float) -> None:
        """Let `alert` wait; if there is no room, count it, or a less urgent one in its place."""
        if self._since_s is None:
            self._since_s = now_s
        if len(self.waiting) >= MOST_WAITING:
            usual = [place for place, other in enumerate(self.waiting) if not other.urgent]
            if not alert.urgent or not usual:
                self.more[alert.kind] += 1
                return
            self.more[self.waiting.pop(usual[-1]).kind] += 1
        self.waiting.append(alert)

    def due(self, now_s: float) -> bool:
        """Whether what waits should be sent now."""
        if not self.waiting or now_s < self._not_before_s:
            return False
        if self._since_s is None:  # kept by an earlier process
            return True
        urgent = any(alert.urgent for alert in self.waiting)
        every_s = min(URGENT_EVERY_S, self._every_s) if urgent else self._every_s
        return now_s >= max(self._since_s + GATHER_S, self._sent_s + every_s)

    @property
    def backing_off(self) -> bool:
        """Whether the last attempt failed, so that the next one has to wait."""
        return self._failures > 0

    def begin(self, run: str) -> Message:
        """What is to be sent; `sent` or `failed` follows before anything is added."""
        self.begun = True
        return Message(run, tuple(self.waiting), dict(self.more), self._repeated)

    def sent(self, now_s: float) -> None:
        """Record that the message was delivered."""
        self._clear()
        self._sent_s, self._failures, self.trouble = now_s, 0, ""

    def failed(self, now_s: float, error: Undelivered) -> list[Alert]:
        """Record that it was not; return what is given up at once, since it is hopeless."""
        self.begun, self.trouble = False, str(error)
        self._failures += 1
        wait_s = min(2.0**self._failures, LONGEST_BACKOFF_S)
        self._not_before_s = now_s + max(wait_s, error.retry_s)
        if not error.hopeless:
            return []
        lost = list(self.waiting)
        self._clear()
        return lost

    def give_up(self, now: datetime) -> list[Alert]:
        """Remove and return alerts that are too old."""
        old = [a for a in self.waiting if (time := moment(a.time)) and now - time > GIVE_UP]
        self.waiting = [alert for alert in self.waiting if alert not in old]
        return old

    def _clear(self) -> None:
        self.waiting.clear()
        self.more.clear()
        self.begun = self._repeated = False
        self._since_s = None
