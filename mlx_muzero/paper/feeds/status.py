"""The current state of each pair's feed, derived from its events."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.feeds.events import (
    BarClosed,
    Disconnected,
    Event,
    PairLost,
    Reconnected,
    Stale,
)
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS

FeedState = Literal["connecting", "backfilling", "live", "silent", "down", "lost"]
"""In order: no bar yet; bars of the past arrive; bars arrive as minutes end; no bar for too long;
the venue does not answer; the venue does not have the pair."""

_BEHIND_NS = 2 * MINUTE_NS
_CARRY_BARS = ("requests", "clock")
"""Channels without which no bar comes; what the stream does not deliver is requested."""


@dataclass
class _Pair:
    lost: str = ""
    down: str = ""
    silent: str = ""
    bar: str = ""  # text about the last bar
    behind: bool = False

    @property
    def now(self) -> tuple[FeedState, str]:
        if self.lost:
            return "lost", self.lost
        if self.down:
            return "down", self.down
        if self.silent:
            return "silent", self.silent
        if not self.bar:
            return "connecting", "no bar yet"
        return "backfilling" if self.behind else "live", self.bar


class FeedStatus:
    """The state of every pair's feed, and why.

    Args:
        pairs: by the venue's names.
    """

    def __init__(self, pairs: Iterable[str]) -> None:
        self._pairs = {pair: _Pair() for pair in pairs}

    def of(self, pair: str) -> tuple[FeedState, str]:
        """State of the feed of `pair`, with the reason or the last bar."""
        return self._pairs[pair].now

    def apply(self, event: Event) -> list[str]:
        """Apply an event; return the pairs whose state changed."""
        before = {pair: state.now[0] for pair, state in self._pairs.items()}
        self._take(event)
        return [pair for pair, state in self._pairs.items() if state.now[0] != before[pair]]

    def _take(self, event: Event) -> None:
        if isinstance(event, BarClosed):
            bar, pair = event.bar, self._pairs[event.bar.pair]
            pair.bar = f"last bar {utc_text(bar.open_time_ns)} UTC"
            pair.behind = bar.arrival_time_ns - bar.close_time_ns > _BEHIND_NS
            pair.silent = pair.down = ""
        elif isinstance(event, Stale) and event.channel == "requests":
            pair = self._pairs[event.pair]
            pair.silent = f"no bar for {event.silent_ns / MINUTE_NS:.1f} open minutes"
        elif isinstance(event, Disconnected) and event.channel in _CARRY_BARS:
            reason = f"{event.reason}; retrying in {event.retry_ns / SECOND_NS:.0f} s"
            for pair in self._carried_by(event):
                pair.down = reason
        elif isinstance(event, Reconnected) and event.channel in _CARRY_BARS:
            for pair in self._carried_by(event):
                pair.down = ""
        elif isinstance(event, PairLost):
            self._pairs[event.pair].lost = event.reason

    def _carried_by(self, event: Disconnected | Reconnected) -> list[_Pair]:
        """Pairs whose bars wait for a connection; the clock's concerns all without a first bar."""
        if event.channel == "clock":
            return [pair for pair in self._pairs.values() if not pair.bar]
        return [self._pairs[event.pair]]
