"""All waits, bounds and limits of a live feed, in one place."""

from dataclasses import dataclass

from mlx_muzero.market.instrument import keeps_fx_week
from mlx_muzero.paper.feeds.feed import KNOWN_BARS
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS, SECOND_NS
from mlx_muzero.venues.connection import Patience
from mlx_muzero.venues.hours import FxWeek, Hours


@dataclass(frozen=True)
class FeedSettings(Patience):
    """Waits, bounds and limits of a live feed, in addition to its `Patience`; times in ns.

    Attributes:
        settle_ns: wait after a bar's close before requesting it.
        push_settle_ns: the same where a stream should have delivered it by then.
        reorder_ns: how long a bar is held back for an older one that has not arrived.
        retry_ns: wait before requesting a bar that is due but missing again; doubles.
        max_retry_ns: upper bound of that wait.
        lookback_bars: emitted bars that every request rereads to detect corrections.
        remembered_bars: emitted bars whose corrections can still be detected.
        max_backfill_bars: how many minutes a backfill reaches back.
        crypto_stale_ns: silence after which a pair that trades all week is stale.
        fx_stale_ns: silence, in open market time, after which a currency pair, or another that
            keeps the FX week, is stale. Quiet minutes have no bar there, and the market pauses
            for some minutes at 17:00 New York.
        series_poll_ns: time between two requests for a series that accompanies the bars.
        series_settle_ns: when, within such a time, the request is made, so that it stays out of
            the way of bars.
        book_poll_ns: time between two requests for an order book, where it is not pushed: often
            enough for it to stay known (`book_imbalance.QUIET_NS`).
        stream_silence_ns: open market time without a pushed message before reconnecting.
        offset_samples: measurements of the venue's clock, of which the median is used.
        offset_interval_ns: time between two such rounds.
        tick_ns: time between two checks of clocks and silences.
        max_jump_ns: how far clocks may drift apart before it counts as a jump.
    """

    settle_ns: int = SECOND_NS
    push_settle_ns: int = 3 * SECOND_NS
    reorder_ns: int = SECOND_NS
    retry_ns: int = SECOND_NS
    max_retry_ns: int = 15 * SECOND_NS
    lookback_bars: int = KNOWN_BARS
    remembered_bars: int = 1440
    max_backfill_bars: int = 7 * 1440
    crypto_stale_ns: int = 90 * SECOND_NS
    fx_stale_ns: int = 10 * MINUTE_NS
    series_poll_ns: int = MINUTE_NS
    series_settle_ns: int = 20 * SECOND_NS
    book_poll_ns: int = 2 * SECOND_NS
    stream_silence_ns: int = 90 * SECOND_NS
    offset_samples: int = 5
    offset_interval_ns: int = HOUR_NS
    tick_ns: int = SECOND_NS
    max_jump_ns: int = SECOND_NS

    def stale_ns(self, pair: str, hours: Hours) -> int:
        """Silence after which `pair`, which keeps `hours` at its venue, is stale."""
        has_quiet_minutes = keeps_fx_week(pair) or isinstance(hours, FxWeek)
        return self.fx_stale_ns if has_quiet_minutes else self.crypto_stale_ns
