"""Turns feed events into console lines: each problem when it starts and when it ends."""

from collections.abc import Mapping

from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.series import while_unknown
from mlx_muzero.paper.feeds.events import (
    ClockOffset,
    ClockTrusted,
    Disconnected,
    Event,
    PairLost,
    Reconnected,
    SeriesBack,
    SeriesStale,
    Slept,
    Stale,
)
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS

_WORTH_TELLING_NS = SECOND_NS


class ConsoleLines:
    """Builds sentences from events; an outage of many connections is reported once.

    Args:
        symbols: our names of pairs, by the venue's.
    """

    def __init__(self, symbols: Mapping[str, str]) -> None:
        self._symbols = symbols
        self._down: set[tuple[str, str]] = set()
        self._offset_ns = 0
        self._trusted = False

    def of(self, event: Event) -> str | None:
        """The line for `event`, if it needs one."""
        if isinstance(event, Disconnected):
            return self._fails(event)
        if isinstance(event, Reconnected):
            return self._works(event)
        if isinstance(event, ClockOffset):
            return self._differs(event)
        if isinstance(event, ClockTrusted):
            known, self._trusted = self._trusted, True
            return (
                None
                if known
                else ("the venue reports no time: this machine's clock is used; keep it right")
            )
        if isinstance(event, Slept):
            return f"this machine slept for {event.duration_ns / MINUTE_NS:.1f} minutes"
        if isinstance(event, PairLost):  # the fault that follows is reported; its outages are over
            self._down = {(pair, channel) for pair, channel in self._down if pair != event.pair}
            return None
        if isinstance(event, Stale) and event.channel == "requests":
            silent = event.silent_ns / MINUTE_NS
            return f"{self._symbols[event.pair]}: no bar for {silent:.1f} open minutes"
        if isinstance(event, SeriesStale):
            last = event.last_event_ns
            newest = "none came" if last is None else f"the last is of {utc_text(last)} UTC"
            whose = self._symbols.get(event.pair, event.pair)
            meanwhile = while_unknown(event.series)
            return f"{whose}: {event.series} is unknown for now ({newest}): {meanwhile}"
        if isinstance(event, SeriesBack):
            return f"{self._symbols.get(event.pair, event.pair)}: {event.series} is known again"
        return None

    def _fails(self, event: Disconnected) -> str | None:
        first = not self._down
        self._down.add((event.pair, event.channel))
        if not first:
            return None
        return (
            f"no answer for {self._symbols[event.pair]} ({event.channel}): {event.reason}; "
            f"retrying in {event.retry_ns / SECOND_NS:.0f} s, then until it answers"
        )

    def _works(self, event: Reconnected) -> str | None:
        self._down.discard((event.pair, event.channel))
        if self._down:
            return None
        return f"the venue answers again after {event.down_ns / SECOND_NS:.0f} s"

    def _differs(self, event: ClockOffset) -> str | None:
        moved_ns, self._offset_ns = event.offset_ns - self._offset_ns, event.offset_ns
        least_ns = _WORTH_TELLING_NS + event.uncertainty_ns
        if abs(moved_ns) <= least_ns:
            return None
        if abs(event.offset_ns) <= least_ns:
            return "this machine's clock agrees with the venue's again"
        side = "behind" if event.offset_ns > 0 else "ahead of"
        return (
            f"this machine's clock is {abs(event.offset_ns) / SECOND_NS:.1f} s {side} the venue's; "
            "the venue's is used"
        )
