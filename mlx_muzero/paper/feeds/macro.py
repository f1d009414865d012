"""Macro figures of a live feed: read from the bar store, whenever it has changed."""

import asyncio
from collections.abc import Callable, Mapping

import numpy as np

from mlx_muzero.errors import MuZeroError
from mlx_muzero.market.observation.context import MACRO_RELEASES
from mlx_muzero.market.series import MACRO, Series
from mlx_muzero.paper.feeds.events import SeriesPoints
from mlx_muzero.paper.feeds.series_age import SeriesAge
from mlx_muzero.paper.feeds.subscription import Subscription
from mlx_muzero.timeunits import MINUTE_NS

ReadMacro = Callable[[], Mapping[str, Series]]
"""Reads macro series by name, in milliseconds; raises MuZeroError if they cannot be read now."""

_EVERY_NS = 10 * MINUTE_NS
_FIRST_POINTS = 2 * MACRO_RELEASES


class MacroFeed:
    """Points of the macro series.

    Args:
        names: names of the series.
        read: reads them.
        shared: shared parts of the subscription.

    Attributes:
        began: set once they have been read, or could not be.
    """

    def __init__(self, names: tuple[str, ...], read: ReadMacro, shared: Subscription) -> None:
        self._read, self._shared = read, shared
        self._ages = {name: SeriesAge(MACRO, name, shared) for name in names}
        self._held: Mapping[str, Series] = {}
        self._newest_ns: dict[str, int] = {}
        self.began = asyncio.Event()

    async def run(self) -> None:
        """Emit figures forever, each once it has been released."""
        read_ns = -_EVERY_NS
        while True:
            if self._shared.clock.monotonic_ns() - read_ns >= _EVERY_NS:
                read_ns = self._shared.clock.monotonic_ns()
                self._load()
            self._emit_released()
            self.began.set()
            await self._shared.clock.sleep(self._shared.settings.tick_ns)

    def _load(self) -> None:
        try:
            self._held = self._read()
        except MuZeroError:
            return  # as while an import writes; if it lasts, the ages tell

    def _emit_released(self) -> None:
        for name, age in self._ages.items():
            series = self._held.get(name, Series.empty(MACRO, name))
            now_ns = self._shared.venue.now_ns()
            released = int(np.searchsorted(series.known_ns, now_ns, side="right"))
            first = max(released - _FIRST_POINTS, 0)
            if name in self._newest_ns:
                first = int(np.searchsorted(series.known_ns, self._newest_ns[name], side="right"))
            if released > first:
                new = series.slice(first, released)
                self._newest_ns[name] = int(new.known_ns[-1])
                age.saw(int(new.event_ns[-1]), self._newest_ns[name])
                self._shared.outbox.put([SeriesPoints(MACRO, new)])
            age.look()
