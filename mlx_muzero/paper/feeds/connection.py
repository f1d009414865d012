"""One connection that is tried until it works, and how long it waits between.

After failure n the wait is drawn from the upper half of [0, min_backoff * 2^(n-1)], capped: many
clients that lost the same venue do not come back together. A venue that names a time (HTTP's
``Retry-After``) is obeyed within bounds, by all connections of the feed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from mlx_muzero.paper.feeds.events import Channel, Disconnected, Reconnected
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.feeds.source import Unavailable
from mlx_muzero.paper.feeds.subscription import Subscription, Uniform
from mlx_muzero.timeunits import SECOND_NS

Answer = TypeVar("Answer")


def backoff_ns(failures: int, settings: FeedSettings, uniform: Uniform) -> int:
    """How long to wait after `failures` in a row (1 or more)."""
    # The exponent is bounded too: failures may go on for weeks.
    longest_ns = settings.min_backoff_ns * 2 ** min(failures - 1, 30)
    return int(min(longest_ns, settings.max_backoff_ns) * (0.5 + 0.5 * uniform()))


class Connection:
    """A connection's failures in a row, told as `Disconnected` and `Reconnected`.

    Args:
        pair: what it carries.
        channel: which connection it is.
        shared: what the subscription's parts share.
    """

    def __init__(self, pair: str, channel: Channel, shared: Subscription) -> None:
        self.pair, self._channel, self._shared = pair, channel, shared
        self._failures = 0
        self._down_since_ns = 0

    async def call(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to `request`, asked for as often as it takes."""
        while True:
            with suppress(Unavailable):
                return await self.attempt(request)

    async def attempt(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to `request`, asked for once.

        Raises:
            Unavailable: there is none; this has been said, and waited for.
        """
        await self._shared.cooldown.wait()
        patience_s = self._shared.settings.answer_ns / SECOND_NS
        try:
            async with asyncio.timeout(patience_s):
                answer = await request()
        except Unavailable as failure:
            await self.failed(failure)
            raise
        except TimeoutError:
            late = Unavailable(f"no whole answer in {patience_s:g} s")
            await self.failed(late)
            raise late from None
        self.works()
        return answer

    def works(self) -> None:
        """Something came over it."""
        if self._failures:
            down_ns = self._shared.clock.monotonic_ns() - self._down_since_ns
            event = Reconnected(self.pair, self._channel, self._failures, down_ns)
            self._shared.outbox.put([event])
            self._failures = 0

    async def failed(self, failure: Unavailable) -> None:
        """Say so and wait as long as is due."""
        if not self._failures:
            self._down_since_ns = self._shared.clock.monotonic_ns()
        self._failures += 1
        retry_ns = backoff_ns(self._failures, self._shared.settings, self._shared.uniform)
        if failure.retry_after_ns is not None:
            asked_ns = min(failure.retry_after_ns, self._shared.settings.max_retry_after_ns)
            retry_ns = max(retry_ns, asked_ns)
            self._shared.cooldown.begin(asked_ns)
        event = Disconnected(self.pair, self._channel, failure.reason, retry_ns, self._failures)
        self._shared.outbox.put([event])
        await self._shared.clock.sleep(retry_ns)
