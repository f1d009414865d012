"""Which of a session's newest bars the venue has corrected, so that a restart tells none again.

The store keeps bars as they were decided on. Of those that a feed reads again, the corrections that
were told are part of the session's state.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.feeds.feed import KNOWN_BARS
from mlx_muzero.paper.records.transaction import Row


class Corrections:
    """The venue's present version of corrected bars, by pair."""

    def __init__(self) -> None:
        self._bars: dict[str, dict[int, LiveBar]] = {}

    def note(self, pair: str, bar: LiveBar) -> None:
        """Remember a correction, and forget those too old to be read again after a restart."""
        of_pair = self._bars.setdefault(pair, {})
        of_pair[bar.open_time_ns] = bar
        while len(of_pair) > KNOWN_BARS:
            del of_pair[min(of_pair)]

    def applied(self, pair: str, bars: Iterable[LiveBar]) -> tuple[LiveBar, ...]:
        """`bars`, oldest first, as the venue last told them, with those that came too late."""
        told = {bar.open_time_ns: bar for bar in bars}
        first_ns, last_ns = min(told), max(told)
        for open_ns, bar in self._bars.get(pair, {}).items():
            if first_ns <= open_ns <= last_ns:
                told[open_ns] = bar
        return tuple(told[open_ns] for open_ns in sorted(told))

    def state(self) -> dict[str, list[Row]]:
        """This as JSON values."""
        return {
            pair: [
                vars(bar) | {"volume": None if math.isnan(bar.volume) else bar.volume}
                for bar in bars.values()
            ]
            for pair, bars in self._bars.items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` describes."""
        self._bars = {pair: {} for pair in state}
        for pair, rows in state.items():
            for row in rows:
                known = row | {"volume": math.nan if row["volume"] is None else row["volume"]}
                self.note(pair, LiveBar(**known))
