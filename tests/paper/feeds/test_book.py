"""Order books of a live feed, sampled as those that a recorder kept for training."""

import gzip
import json
import re

import numpy as np
import pytest

import feed_sessions
from feed_sessions import START_NS, of
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.feeds.events import (
    BarClosed,
    Disconnected,
    Reconnected,
    SeriesBack,
    SeriesPoints,
    SeriesStale,
    Stale,
)
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_series import book_top
from mlx_muzero.venues.ccxt_source import CcxtSource
from mlx_muzero.venues.source import Unavailable
from moody_venue import MoodyVenue
from virtual_time import SECOND_NS

PAIR = "BTC/USDT:USDT"
FIRST_MINUTE = START_NS // MINUTE_NS


def venue(clock):
    made = MoodyVenue(0)
    made.clock, made.books.every_ns = clock, 3 * SECOND_NS // 2
    return made


def play(bars, monkeypatch, prepare=None, pushes=True):
    def with_book(source, push=None, **options):
        wanted = {PAIR: ("book_imbalance",)}
        return LiveFeed(source, push, books=source, wanted=wanted, **options)

    monkeypatch.setattr(feed_sessions, "LiveFeed", with_book)
    if not pushes:
        monkeypatch.setattr(CcxtSource, "pushes_books", False)

    def source(settings):
        return CcxtSource("binance", settings)

    return feed_sessions.play(venue, source, (PAIR,), bars, prepare, first=START_NS)


def points(events):
    """Value by minute, counted from the first; every point is known at its minute's close."""
    found = {}
    for points in (event.points for event in of(events, SeriesPoints)):
        assert (points.known_ns - points.event_ns).tolist() == [MINUTE_NS]
        found[int(points.event_ns[0]) // MINUTE_NS - FIRST_MINUTE] = float(points.value[0])
    return found


def imported(held, folder, symbol=None):
    """The same of a file of all that the venue told, as a recorder keeps it."""
    path = folder / "book.gz"
    with gzip.open(path, "wt") as out:
        for _symbol, message in held.venue.books.told:
            out.write(f"{START_NS} {json.dumps(message)}\n")
    with BarStore(folder / "market.duckdb") as store:
        import_file(store, path, symbol)
        series = store.load_series("BTCUSDT", "book_imbalance")
    return {
        int(event_ns) // MINUTE_NS - FIRST_MINUTE: float(value)
        for event_ns, value in zip(series.event_ns, series.value, strict=True)
    }


def before_bars(events):
    """Minutes whose point came before their bar."""
    places = {}
    for place, event in enumerate(events):
        if isinstance(event, BarClosed):
            places[event.bar.open_time_ns // MINUTE_NS - FIRST_MINUTE] = place
    return {
        minute
        for place, event in enumerate(events)
        if isinstance(event, SeriesPoints)
        for minute in [int(event.points.event_ns[0]) // MINUTE_NS - FIRST_MINUTE]
        if places.get(minute, -1) > place
    }


@pytest.mark.slow
def test_a_pushed_book_is_sampled_as_a_recorded_one(monkeypatch, tmp_path):
    def prepare(held):
        held.venue.books.every_ns = SECOND_NS // 2

    events, held = play(5, monkeypatch, prepare)
    live = points(events)
    assert set(live) == {0, 1, 2, 3, 4, 5}
    assert len(set(live.values())) == 6
    recorded = imported(held, tmp_path)
    assert live == {minute: recorded[minute] for minute in live}
    # A decision at a minute's close knows the minute's book, as in training.
    assert before_bars(events) == {1, 2, 3, 4, 5}
    assert not of(events, Disconnected)


@pytest.mark.slow
def test_every_version_of_a_book_counts_even_if_several_come_at_once(monkeypatch, tmp_path):
    def prepare(held):
        held.venue.books.every_ns, held.venue.books.at_once = 3 * SECOND_NS // 4, 3

    events, held = play(3, monkeypatch, prepare)
    live, recorded = points(events), imported(held, tmp_path)
    assert {1, 2} <= set(live)
    assert live == {minute: recorded[minute] for minute in live}


def test_after_a_lost_change_the_book_is_unknown_until_it_is_read_again(monkeypatch, tmp_path):
    def prepare(held):
        lost_ns = (FIRST_MINUTE + 2) * MINUTE_NS + 16 * SECOND_NS
        held.venue.books.lost = {lost_ns // held.venue.books.every_ns}

    events, held = play(5, monkeypatch, prepare)
    assert [e.channel for e in of(events, Disconnected)] == ["context"]
    assert len(of(events, Reconnected)) == 1
    live, recorded = points(events), imported(held, tmp_path)
    assert set(live) == {0, 1, 2, 3, 4, 5}
    assert live == {minute: recorded[minute] for minute in live}
    snapshots = [message for _, message in held.venue.books.told if "lastUpdateId" in message]
    assert len(snapshots) == 2


@pytest.mark.slow
def test_a_book_that_falls_silent_becomes_unknown_and_is_read_anew(monkeypatch, tmp_path):
    def prepare(held):
        held.at(2, lambda: setattr(held.venue, "mute", True))
        held.at(6, lambda: setattr(held.venue, "mute", False))

    events, held = play(10, monkeypatch, prepare)
    assert [e for e in of(events, Stale) if e.channel == "context"]
    (_began, lapsed), (_known, back) = of(events, SeriesStale), of(events, SeriesBack)
    assert (lapsed.series, back.series) == ("book_imbalance", "book_imbalance")
    assert lapsed.last_event_ns // MINUTE_NS - FIRST_MINUTE == 1
    live, recorded = points(events), imported(held, tmp_path)
    assert set(live) == {0, 1, 6, 7, 8, 9, 10}
    assert live == {minute: recorded[minute] for minute in live}
    assert feed_sessions.minutes(events, PAIR) == list(range(1, 11))


@pytest.mark.slow
def test_a_book_that_is_not_pushed_is_requested_often_enough(monkeypatch, tmp_path):
    def prepare(held):
        held.venue.books.every_ns = 4 * SECOND_NS

    events, held = play(4, monkeypatch, prepare, pushes=False)
    live, recorded = points(events), imported(held, tmp_path, "BTCUSDT")
    assert set(live) == {0, 1, 2, 3, 4}
    assert live == pytest.approx({minute: recorded[minute] for minute in live})
    asked = [at for at, path, _ in held.venue.requests if path == "/fapi/v1/depth"]
    assert np.diff(asked)[1:] == pytest.approx(2.0, abs=0.1)
    assert before_bars(events) == {1, 2, 3, 4}


def test_a_venue_without_a_book_trades_on(monkeypatch):
    def prepare(held):
        held.venue.books.snapshot = lambda symbol: {"code": -1121, "msg": "no book"}

    events, _ = play(4, monkeypatch, prepare)
    assert feed_sessions.minutes(events, PAIR) == [1, 2, 3, 4]
    assert {e.channel for e in of(events, Disconnected)} == {"context"}
    assert [e.last_event_ns for e in of(events, SeriesStale)] == [None]


def test_a_book_of_the_future_is_not_sampled(monkeypatch):
    def prepare(held):
        told = held.venue.books.change

        def ahead(symbol, step):
            message = told(symbol, step)
            return message | {"E": message["E"] + 3_600_000}

        held.venue.books.change = ahead

    events, _ = play(3, monkeypatch, prepare)
    assert not of(events, SeriesPoints)
    for event in of(events, Disconnected):
        assert re.fullmatch("the order book's time is [0-9]+ s ahead of .*", event.reason)
    assert of(events, Disconnected)[-1].failures > 3


GOOD = {"timestamp": 5, "bids": [[99.0, 3.0], [98.0, 1.0]], "asks": [[100.0, 1.0]]}


def test_the_best_levels_are_read_off_a_book():
    top = book_top(GOOD | {"bids": [[99.0 - i, 1.0, 7] for i in range(30)], "timestamp": None})
    assert (top.time_ns, top.bids, top.asks) == (None, (1.0,) * 10, (1.0,))
    assert book_top(GOOD).imbalance == 0.6
    assert book_top(GOOD | {"asks": []}).imbalance is None


@pytest.mark.parametrize(
    "change",
    [
        {"bids": None},
        {"bids": "9"},
        {"bids": [99.0]},
        {"bids": [[99.0]]},
        {"bids": [[99.0, -1.0]]},
        {"bids": [[99.0, float("inf")]]},
        {"asks": [[0.0, 1.0]]},
        {"asks": [["x", 1.0]]},
    ],
)
def test_what_is_no_book_is_not_read(change):
    with pytest.raises(Unavailable, match="order book"):
        book_top(GOOD | change)
    with pytest.raises(Unavailable, match="not an order book"):
        book_top([1])
