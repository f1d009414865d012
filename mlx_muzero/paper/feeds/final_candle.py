"""Finds the final candle of each minute in a stream, where the venue does not mark it.

A venue repeats the running minute's candle as it changes. The last one counts as the whole minute
if it arrived after the minute's end and a candle of a later minute has followed. If it arrived
before, the venue left something out (or the stream was restarted), and the bar must be requested.
"""

from collections.abc import Sequence
from dataclasses import replace

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle


class FinalCandles:
    """Tracks the running minute of one connection."""

    def __init__(self) -> None:
        self._running: Candle | None = None
        self._came_ns = 0

    def take(self, candles: Sequence[Candle], venue_ns: int) -> list[Candle]:
        """Take candles that arrived at `venue_ns`; return those now known to be complete."""
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
