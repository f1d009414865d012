"""Retries one connection until it works, with growing waits between attempts.

After failure n the wait is drawn from the upper half of [0, min_backoff * 2^(n-1)], capped, so that
many clients that lost the same venue do not return at once. If a venue names a time (HTTP's
``Retry-After``), all connections of the feed obey it, within bounds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.venues.clock import Clock
from mlx_muzero.venues.cooldown import Cooldown
from mlx_muzero.venues.source import Unavailable

Answer = TypeVar("Answer")

Uniform = Callable[[], float]
"""Returns a new random number in [0, 1) on every call."""

Channel = Literal["requests", "stream", "clock", "context"]
"""The kind of connection: requests for bars, the pushed stream, the venue's clock, or requests for
series in addition to the bars."""


@dataclass(frozen=True)
class Disconnected:
    """A connection failed, for the `failures`-th time in a row; next attempt after `retry_ns`."""

    pair: str
    channel: Channel
    reason: str
    retry_ns: int
    failures: int = 1


@dataclass(frozen=True)
class Reconnected:
    """A connection works again after `attempts` failures."""

    pair: str
    channel: Channel
    attempts: int
    down_ns: int


@dataclass(frozen=True)
class Patience:
    """How long connections wait; times in nanoseconds.

    Attributes:
        min_backoff_ns: longest wait after a first failure; doubles with each further one.
        max_backoff_ns: upper bound of that wait.
        max_retry_after_ns: longest wait that a venue may ask for.
        answer_ns: time limit of an answer, however many requests it needs.
    """

    min_backoff_ns: int = SECOND_NS
    max_backoff_ns: int = MINUTE_NS
    max_retry_after_ns: int = 15 * MINUTE_NS
    answer_ns: int = MINUTE_NS


@dataclass(frozen=True)
class Surroundings:
    """What all connections to one venue share.

    Attributes:
        clock: this machine's clocks.
        cooldown: no requests are sent while it lasts.
        patience: how long connections wait.
        tell: receives failures and recoveries.
        uniform: source of jitter.
    """

    clock: Clock
    cooldown: Cooldown
    patience: Patience
    tell: Callable[[Disconnected | Reconnected], None]
    uniform: Uniform


def backoff_ns(failures: int, patience: Patience, uniform: Uniform) -> int:
    """How long to wait after `failures` failures in a row (1 or more)."""
    # The exponent is bounded too, because failures may continue for weeks.
    longest_ns = patience.min_backoff_ns * 2 ** min(failures - 1, 30)
    return int(min(longest_ns, patience.max_backoff_ns) * (0.5 + 0.5 * uniform()))


class Connection:
    """Reports a connection's consecutive failures as `Disconnected` and `Reconnected`.

    Args:
        pair: the pair it carries.
        channel: kind of connection.
        shared: what it shares with the venue's other connections.
    """

    def __init__(self, pair: str, channel: Channel, shared: Surroundings) -> None:
        self.pair, self._channel, self._shared = pair, channel, shared
        self._failures = 0
        self._down_since_ns = 0

    async def call(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """Send `request` as often as it takes to get an answer."""
        while True:
            with suppress(Unavailable):
                return await self.attempt(request)

    async def attempt(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """Send `request` once and return the answer.

        Raises:
            Unavailable: there was no answer; this has been reported and the wait is over.
        """
        await self._shared.cooldown.wait()
        patience_s = self._shared.patience.answer_ns / SECOND_NS
        try:
            async with asyncio.timeout(patience_s):
                answer = await request()
        except Unavailable as failure:
            await self.failed(failure)
            raise
        except TimeoutError:
            late = Unavailable(f"no complete answer within {patience_s:g} s")
            await self.failed(late)
            raise late from None
        self.works()
        return answer

    def works(self) -> None:
        """Record that something arrived over the connection."""
        if self._failures:
            down_ns = self._shared.clock.monotonic_ns() - self._down_since_ns
            event = Reconnected(self.pair, self._channel, self._failures, down_ns)
            self._shared.tell(event)
            self._failures = 0

    async def failed(self, failure: Unavailable) -> None:
        """Report the failure and wait as long as is due."""
        if not self._failures:
            self._down_since_ns = self._shared.clock.monotonic_ns()
        self._failures += 1
        retry_ns = backoff_ns(self._failures, self._shared.patience, self._shared.uniform)
        if failure.retry_after_ns is not None:
            asked_ns = min(failure.retry_after_ns, self._shared.patience.max_retry_after_ns)
            retry_ns = max(retry_ns, asked_ns)
            self._shared.cooldown.begin(asked_ns)
        event = Disconnected(self.pair, self._channel, failure.reason, retry_ns, self._failures)
        self._shared.tell(event)
        await self._shared.clock.sleep(retry_ns)
