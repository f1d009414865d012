"""Requests to one venue, which wait out outages as live feeds do, but only for a limited time."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from mlx_muzero.errors import FeedError
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.venues.clock import Clock
from mlx_muzero.venues.connection import (
    Connection,
    Disconnected,
    Patience,
    Reconnected,
    Surroundings,
    Uniform,
)
from mlx_muzero.venues.cooldown import Cooldown
from mlx_muzero.venues.source import Unavailable

Answer = TypeVar("Answer")

_SAID_OFTEN = 3
"""Errors in a row with which a venue answers a request before the request is given up."""
_SAID_SHOWN = 300
_TRIES = 2


@dataclass(frozen=True)
class DownloadPatience(Patience):
    """How long a download waits; times in nanoseconds.

    Attributes:
        outage_ns: how long a venue may fail to respond before the download ends.
    """

    outage_ns: int = 5 * MINUTE_NS


@dataclass
class Asking:
    """All requests to one venue.

    Attributes:
        venue: its name, for messages.
        clock: this machine's.
        patience: how long to wait.
        uniform: source of jitter.
        say: called with a message about each outage.
    """

    venue: str
    clock: Clock
    patience: DownloadPatience
    uniform: Uniform
    say: Callable[[str], None]
    _cooldown: Cooldown = field(init=False)
    _answered_ns: int = field(init=False)

    def __post_init__(self) -> None:
        """Start without failures."""
        self._cooldown = Cooldown(self.clock)
        self._answered_ns = self.clock.monotonic_ns()

    def connection(self, pair: str) -> Connection:
        """A connection for the requests about `pair`."""
        surroundings = Surroundings(
            self.clock, self._cooldown, self.patience, self._tell, self.uniform
        )
        return Connection(pair, "requests", surroundings)

    async def answer(
        self, connection: Connection, request: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer to `request`, which is repeated until it succeeds.

        Raises:
            FeedError: there was no answer for too long, or an error each time.
        """
        asked_ns, said = self.clock.monotonic_ns(), 0
        while True:
            try:
                answer = await connection.attempt(request)
            except Unavailable as failure:
                said = said + 1 if failure.said else 0
                if said == _SAID_OFTEN:
                    raise FeedError(
                        f"{self.venue} {connection.pair}: {failure.said[:_SAID_SHOWN]}. Everything "
                        "up to then is stored"
                    ) from None
                now_ns = self.clock.monotonic_ns()
                if failure.retry_after_ns is not None:
                    asked_ns = now_ns  # it answered, and has been obeyed
                silent_ns = now_ns - max(self._answered_ns, asked_ns)
                if silent_ns >= self.patience.outage_ns:
                    raise FeedError(
                        f"{self.venue} {connection.pair}: no answer for "
                        f"{silent_ns / MINUTE_NS:.0f} minutes ({failure.reason}). Everything up to "
                        "then is stored; the same command continues from there"
                    ) from None
            else:
                self._answered_ns = self.clock.monotonic_ns()
                return answer

    async def try_for(
        self, connection: Connection, request: Callable[[], Awaitable[Answer]]
    ) -> Answer | None:
        """The answer to a request that can be done without; None if it does not succeed soon."""
        for _ in range(_TRIES):
            with suppress(Unavailable):
                return await connection.attempt(request)
        return None

    def _tell(self, event: Disconnected | Reconnected) -> None:
        name = f"{self.venue} {event.pair}"
        if isinstance(event, Reconnected):
            self.say(f"{name} answers again, after {event.down_ns / SECOND_NS:.0f} s")
        elif event.failures > 1 or event.retry_ns > SECOND_NS:
            self.say(f"{name}: {event.reason}; retrying in {event.retry_ns / SECOND_NS:.0f} s")
