"""What a venue announces of the next settlement, heard through ccxt from a server on loopback."""

from itertools import pairwise
from types import SimpleNamespace

import ccxt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feed_sessions
from feed_sessions import START_NS, of
from mlx_muzero.market.series import FUNDING_ANNOUNCED, Series
from mlx_muzero.paper.feeds.announced_funding import AnnouncedFundingFeed
from mlx_muzero.paper.feeds.events import BarClosed, Disconnected, SeriesPoints, SeriesStale
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.venues.announced_rate import AnnouncedRate
from mlx_muzero.venues.ccxt_series import announced_rates
from mlx_muzero.venues.ccxt_source import CcxtSource
from mlx_muzero.venues.source import Unavailable
from moody_venue import MoodyVenue
from virtual_time import SECOND_NS

PAIR = "BTC/USDT:USDT"
DUE_MS = 1_781_280_000_000
LATER_MS = DUE_MS + 28_800_000


def play(bars, monkeypatch, prepare=None):
    def venue(clock):
        made = MoodyVenue(0)
        made.clock = clock
        return made

    def announcing(source, push=None, **options):
        wanted = {PAIR: (FUNDING_ANNOUNCED,)}
        return LiveFeed(source, push, announcing=source, wanted=wanted, **options)

    monkeypatch.setattr(feed_sessions, "LiveFeed", announcing)

    def source(settings):
        return CcxtSource("binance", settings)

    events, held = feed_sessions.play(venue, source, (PAIR,), bars, prepare, first=START_NS)
    points = [e.points for e in of(events, SeriesPoints)]
    assert all(len(each) == 1 and each.name == FUNDING_ANNOUNCED for each in points)
    told = [(int(p.event_ns[0]), int(p.known_ns[0]), float(p.value[0])) for p in points]
    return events, held, told


def test_a_change_is_told_with_the_time_at_which_it_was_heard(monkeypatch):
    events, held, told = play(10, monkeypatch)
    first_bar = next(i for i, event in enumerate(events) if isinstance(event, BarClosed))
    assert of(events[:first_bar], SeriesPoints)
    assert 4 <= len(told) <= 5  # it changes every three minutes
    for due_ns, known_ns, rate in told:
        assert due_ns == (known_ns // (8 * HOUR_NS) + 1) * 8 * HOUR_NS
        assert rate == pytest.approx(held.venue.announced(known_ns // 1_000_000))
    heard = pairwise(known for _, known, _ in told)
    assert all(later - earlier >= MINUTE_NS for earlier, later in heard)
    asked = [at for at, path, _ in held.venue.requests if path == "/fapi/v1/premiumIndex"]
    assert 9 <= len(asked) <= 12


@pytest.mark.slow
def test_what_stands_is_told_again_each_hour(monkeypatch):
    def prepare(held):
        held.venue.announced = lambda _now_ms: 1e-4

    _, _, told = play(130, monkeypatch, prepare)
    assert len(told) == 3
    heard = pairwise(known for _, known, _ in told)
    apart = [(later - earlier) / HOUR_NS for earlier, later in heard]
    assert apart == pytest.approx([1.0, 1.0], abs=0.02)


@pytest.mark.slow
def test_an_outage_is_its_own_and_the_lapse_is_told_once(monkeypatch):
    def prepare(held):
        def announced(_now_ms):
            if held.clock.monotonic_ns() > 90 * SECOND_NS:
                raise ValueError  # the server answers 500
            return 1e-4

        held.venue.announced = announced

    events, _, told = play(130, monkeypatch, prepare)
    assert len(told) == 1
    assert {e.channel for e in of(events, Disconnected)} == {"context"}
    (stale,) = of(events, SeriesStale)
    assert (stale.series, stale.last_event_ns) == (FUNDING_ANNOUNCED, told[0][0])
    assert feed_sessions.minutes(events, PAIR) == list(range(1, 131))


# Per answer: seconds since the last one, and of each settlement told how many seconds ahead it is,
# and the rate.
ANSWERED = st.lists(
    st.tuples(
        st.integers(1, 4000),
        st.lists(st.tuples(st.integers(-3600, 2 * 86400), st.integers(0, 3)), max_size=2),
    ),
    max_size=20,
)


@given(ANSWERED)
def test_only_the_next_settlement_is_told_and_only_when_it_is_news(answered):
    emitted, clock = [], SimpleNamespace(now=START_NS)
    venue = SimpleNamespace(now_ns=lambda: clock.now)
    outbox = SimpleNamespace(put=emitted.extend)
    shared = SimpleNamespace(venue=venue, outbox=outbox, connection=lambda *_: None)
    feed, told = AnnouncedFundingFeed(PAIR, None, shared), None
    for passed_s, rates in answered:
        clock.now += passed_s * SECOND_NS
        announced = [AnnouncedRate(clock.now + s * SECOND_NS, rate * 1e-4) for s, rate in rates]
        before = len(emitted)
        feed._hear(announced)
        due = sorted((s, i) for i, (s, _) in enumerate(rates) if 0 < s <= 86400)
        if not due:
            assert len(emitted) == before
            continue
        following = announced[due[0][1]]
        now = clock.now, following.due_ns, following.rate
        if told is None or (now[0] - told[0] >= MINUTE_NS and now[2] != told[2]):
            assert len(emitted) == before + 1
        for point in (event.points for event in emitted[before:]):
            told = int(point.known_ns[0]), int(point.event_ns[0]), float(point.value[0])
            assert told == now
    points = [event.points for event in emitted]
    if points:
        columns = ([getattr(p, name)[0] for p in points] for name in ("event_ns", "known_ns"))
        due_ns, known_ns = (np.array(column) for column in columns)
        whole = Series.of(PAIR, FUNDING_ANNOUNCED, due_ns, known_ns, np.zeros(len(points)))
        assert len(whole) == len(points)  # none is a duplicate of another


# Answers as the exchanges document them; what ccxt makes of each says which rate is for when.
ANSWERS = {
    "binance": (
        {"symbol": "BTCUSDT", "lastFundingRate": "0.0002", "nextFundingTime": str(DUE_MS)},
        [(DUE_MS, 2e-4)],
    ),
    "bybit": (
        {"symbol": "BTCUSDT", "fundingRate": "0.0002", "nextFundingTime": str(DUE_MS)},
        [(DUE_MS, 2e-4)],
    ),
    "okx": (
        {
            "instId": "BTC-USDT-SWAP", "fundingRate": "0.0002", "fundingTime": str(DUE_MS),
            "nextFundingRate": "0.0003", "nextFundingTime": str(LATER_MS),
        },
        [(DUE_MS, 2e-4), (LATER_MS, 3e-4)],
    ),
    "htx": (
        {
            "contract_code": "BTC-USDT", "funding_rate": "0.0002", "funding_time": str(DUE_MS),
            "estimated_rate": None, "next_funding_time": str(LATER_MS),
        },
        [(DUE_MS, 2e-4)],
    ),
    "gate": (
        {
            "name": "BTC_USDT", "funding_rate": "0.0002", "funding_rate_indicative": "0.0003",
            "funding_next_apply": DUE_MS // 1000, "funding_interval": 28800,
        },
        [(DUE_MS, 2e-4)],
    ),
    "bingx": (
        {"symbol": "BTC-USDT", "lastFundingRate": "0.0002", "nextFundingTime": DUE_MS},
        [],
    ),
    "krakenfutures": (
        {"symbol": "PF_XBTUSD", "fundingRate": 2.0, "fundingRatePrediction": 3.0, "markPrice": 1e4},
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_rate_is_for_the_settlement_that_is_told_with_it(name):
    answer, wanted = ANSWERS[name]
    exchange = getattr(ccxt, name)()
    exchange.markets, exchange.markets_by_id = {}, {}
    exchange.symbol = lambda market_id: market_id
    found = announced_rates(exchange.parse_funding_rate(answer, {"symbol": PAIR, "id": "x"}))
    assert found == tuple(AnnouncedRate(ms * 1_000_000, rate) for ms, rate in wanted)


@pytest.mark.parametrize("answer", [None, [], "no", 3])
def test_other_answers_are_refused(answer):
    with pytest.raises(Unavailable, match="not a funding rate"):
        announced_rates(answer)


@pytest.mark.parametrize(
    ("rate", "time"),
    [(None, DUE_MS), ("x", DUE_MS), (float("inf"), DUE_MS), (1e-4, -1), (1e-4, "x")],
)
def test_values_that_cannot_be_read_announce_nothing(rate, time):
    assert announced_rates({"fundingRate": rate, "fundingTimestamp": time}) == ()
