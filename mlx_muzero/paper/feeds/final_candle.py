"""Which candles of a stream are the last of their minute, where the venue does not say.

A venue repeats the candle of the running minute as it changes. The last one counts as the whole
minute if it came after the minute's end and a later minute's has come since. If it came before,
the venue left something out (or the stream was begun anew), and the bar has to be asked for.
"""

from collections.abc import Sequence
from dataclasses import replace

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle


class FinalCandles:
    """The running minute of one connection."""

    def __init__(self) -> None:
        self._running: Candle | None = None
        self._came_ns = 0

    def take(self, candles: Sequence[Candle], venue_ns: int) -> list[Candle]:
        """What can be told of finished minutes, given candles that came at `venue_ns`."""
        return [told for candle in candles for told in self._take(candle, venue_ns)]

    def _take(self, candle: Candle, venue_ns: int) -> list[Candle]:
        time_ns, running = candle.open_time_ns, self._running
        if candle.complete is not None or time_ns is None or time_ns > venue_ns + MINUTE_NS:
            return [candle]
        running_ns = time_ns if running is None else running.open_time_ns or 0
        if time_ns < running_ns:
            return [replace(candle, complete=True)]  # a correction
        whole = time_ns > running_ns and self._came_ns >= running_ns + MINUTE_NS
        self._running, self._came_ns = candle, venue_ns
        return [replace(running, complete=True)] if whole and running is not None else []
