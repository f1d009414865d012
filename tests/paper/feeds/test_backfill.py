"""A live feed reads a long past from exchanges that answer in the ways that venues answer."""

import pytest

import feed_sessions
from feed_sessions import FIRST_MINUTE, of
from mlx_muzero.paper.feeds.events import BarClosed, GapFilled
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource
from moody_venue import VENUES, MoodyVenue
from venue import prices

PAIR = "BTC/USDT"
PAST = 1300
DIFFERENT = [
    "forward from the start (binance spot)",
    "windows of 300 (coinbase)",
    "newest 300 of the window (okx)",
    "newest of all since the start (blofin)",
    "newest 200 of all since the start (bybit of old)",
    "the start is left out",
]


@pytest.mark.parametrize("way", DIFFERENT)
def test_every_bar_comes_once_and_in_order(way):
    def venue(clock):
        made = MoodyVenue(0, VENUES[way])
        made.clock = clock
        made.silent = {FIRST_MINUTE - 700, FIRST_MINUTE - 699}
        return made

    first_ns = (FIRST_MINUTE - PAST) * MINUTE_NS
    events, held = feed_sessions.play(
        venue,
        lambda settings: CcxtSource("binance", settings),
        (PAIR,),
        PAST - 1,
        first=first_ns,
    )
    closed = [event.bar for event in of(events, BarClosed)]
    assert [bar.open_time_ns // MINUTE_NS for bar in closed] == [
        minute
        for minute in range(FIRST_MINUTE - PAST, FIRST_MINUTE + 1)
        if minute not in held.venue.silent
    ]
    assert all(bar.values == prices("BTCUSDT", bar.open_time_ns // MINUTE_NS) for bar in closed)
    (gap,) = of(events, GapFilled)
    assert (gap.filled, gap.missing) == (PAST - 2, 2)
