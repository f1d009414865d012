"""A venue on loopback that misbehaves when told to: what its servers for one protocol share.

Its market is a function of the minute, and a minute that is not over looks different from the same
minute afterwards, so a test sees at once when a bar was taken too early.
"""

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from email.utils import formatdate

from aiohttp import web

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.hours import hours_of
from virtual_time import SECOND_NS


def prices(pair, minute):
    """Open, high, low, close, volume of a minute (counted from 1970), once it is over."""
    base = 100.0 + sum(map(ord, pair)) % 50 + (minute * 7919 % 1000) / 1000
    return base, base + 1.0, base - 1.0, base + 0.5, float(1 + minute % 10)


class Venue:
    """The market and its faults.

    Attributes:
        ahead_ns: its clock minus the wall.
        stopped_ns: it answers as if time had stopped then; None for as it is.
        failures: (status, headers) of the next answers; status 0 drops the connection.
        edit: what is done to the rows of an answer before it is sent.
        silent: minutes without a trade, which have no bar.
        requests: (seconds, path, query) of every request.
    """

    def __init__(self, clock):
        self.clock = clock
        self.ahead_ns = 0
        self.stopped_ns = None
        self.failures = deque()
        self.edit = lambda rows: rows
        self.silent = set()
        self.requests = []

    def now_ns(self):
        if self.stopped_ns is not None:
            return self.stopped_ns
        return self.clock.start_ns + self.clock.monotonic_ns() + self.ahead_ns

    def minutes(self, pair, start_ns, count):
        """At most `count` of the minutes with a bar that open at `start_ns` or later."""
        hours, found = hours_of(pair), []
        minute, last = -(-start_ns // MINUTE_NS), self.now_ns() // MINUTE_NS
        while minute <= last and len(found) < count:
            opens = hours.next_open_ns(minute * MINUTE_NS) // MINUTE_NS
            if opens == minute and minute not in self.silent:
                found.append(minute)
            minute = max(opens, minute + 1)
        return found

    def is_over(self, minute):
        return (minute + 1) * MINUTE_NS <= self.now_ns()

    def values(self, pair, minute):
        values = prices(pair, minute)
        return values if self.is_over(minute) else (*values[:3], values[0], values[4] / 10)

    @web.middleware
    async def misbehave(self, request, handler):
        self.requests.append(
            (self.clock.monotonic_ns() / SECOND_NS, request.path, dict(request.query))
        )
        if self.failures:
            status, headers = self.failures.popleft()
            if status == 0:
                request.transport.abort()
                return web.Response()
            return web.json_response({"errorMessage": "not now"}, status=status, headers=headers)
        response = await handler(request)
        if not response.prepared:
            response.headers["Date"] = formatdate(self.now_ns() // SECOND_NS, usegmt=True)
        return response

    @asynccontextmanager
    async def serve(self, *routes):
        """The base address, while the block runs."""
        app = web.Application(middlewares=[self.misbehave])
        app.add_routes(routes)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def after(clock, duration_ns, act):
    """Do `act` when `duration_ns` have passed."""
    await clock.sleep(duration_ns)
    act()


def later(clock, duration_ns, act):
    """Start `after` in the background; keep what it returns."""
    return asyncio.create_task(after(clock, duration_ns, act))
