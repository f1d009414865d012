"""Turns feed events other than bars into facts for the journal's `feed` event."""

from collections.abc import Mapping
from dataclasses import asdict

from mlx_muzero.market.series import OF_BARS
from mlx_muzero.paper.feeds.events import (
    BarRejected,
    BarRevised,
    ClockJumped,
    ClockOffset,
    ClockTrusted,
    Disconnected,
    Event,
    GapFilled,
    PairLost,
    Reconnected,
    SeriesBack,
    SeriesStale,
    Slept,
    Stale,
)
from mlx_muzero.paper.records.transaction import Row

_KINDS: dict[type, str] = {
    Stale: "stale",
    Disconnected: "disconnected",
    Reconnected: "reconnected",
    GapFilled: "gap_filled",
    BarRejected: "rejected",
    BarRevised: "revised",
    ClockOffset: "clock_offset",
    ClockJumped: "clock_jumped",
    ClockTrusted: "clock_trusted",
    PairLost: "lost",
    SeriesStale: "series_stale",
    SeriesBack: "series_back",
    Slept: "slept",
}


def facts_of(event: Event, symbols: Mapping[str, str]) -> Row:
    """Kind, pair by our name (None if the event concerns no pair), and the event's own fields."""
    facts = asdict(event)
    for bar in (facts.get("bar"), facts.get("previous")):
        for name in ("spread", *OF_BARS):
            if bar is not None and bar[name] is None:
                del bar[name]  # as in journals of feeds without it
    venue = event.bar.pair if isinstance(event, BarRevised) else facts.pop("pair", None)
    return {"kind": _KINDS[type(event)], "pair": symbols.get(venue, venue)} | facts
