"""What a feed tells, as the state of each pair and as sentences."""

from mlx_muzero.paper.feeds.console_lines import ConsoleLines
from mlx_muzero.paper.feeds.events import (
    BarClosed,
    ClockOffset,
    ClockTrusted,
    Disconnected,
    LiveBar,
    PairLost,
    Reconnected,
    Slept,
    Stale,
)
from mlx_muzero.paper.feeds.status import FeedStatus
from mlx_muzero.timeunits import MINUTE_NS
from virtual_time import MONDAY_NS, SECOND_NS

PAIRS = {"USD_JPY": "USDJPY", "EUR_USD": "EURUSD"}


def bar(pair, late_ns=SECOND_NS):
    values = (1.0, 1.0, 1.0, 1.0, 1.0)
    return BarClosed(LiveBar(pair, MONDAY_NS, *values, None, MONDAY_NS + MINUTE_NS + late_ns))


def down(pair, channel="requests", failures=1):
    return Disconnected(pair, channel, "HTTP 503", 4 * SECOND_NS, failures)


def up(pair, channel="requests"):
    return Reconnected(pair, channel, 1, 35 * SECOND_NS)


def test_a_pairs_state_follows_what_its_feed_tells():
    status = FeedStatus(PAIRS)
    assert status.of("USD_JPY") == ("connecting", "no bar yet")
    steps = [
        (down("USD_JPY", "clock"), "down", ["USD_JPY", "EUR_USD"]),
        (up("USD_JPY", "clock"), "connecting", ["USD_JPY", "EUR_USD"]),
        (bar("USD_JPY", late_ns=9 * MINUTE_NS), "backfilling", ["USD_JPY"]),
        (bar("USD_JPY"), "live", ["USD_JPY"]),
        (bar("USD_JPY"), "live", []),
        (down("USD_JPY", "stream"), "live", []),  # it is asked for then
        (down("USD_JPY", "clock"), "live", ["EUR_USD"]),
        (down("USD_JPY"), "down", ["USD_JPY"]),
        (down("USD_JPY", failures=2), "down", []),
        (up("USD_JPY"), "live", ["USD_JPY"]),
        (Stale("USD_JPY", "stream", MINUTE_NS, None), "live", []),
        (Stale("USD_JPY", "requests", 10 * MINUTE_NS, None), "silent", ["USD_JPY"]),
        (bar("USD_JPY"), "live", ["USD_JPY"]),
        (PairLost("USD_JPY", "delisted"), "lost", ["USD_JPY"]),
    ]
    for event, state, changed in steps:
        assert status.apply(event) == changed, event
        assert status.of("USD_JPY")[0] == state, event
    assert status.of("USD_JPY") == ("lost", "delisted")


def test_an_outage_of_many_connections_is_one_sentence_at_its_beginning_and_its_end():
    words = ConsoleLines(PAIRS)
    events = [
        down("USD_JPY"), down("EUR_USD"), down("USD_JPY", "stream"), down("USD_JPY", failures=2),
        up("USD_JPY"), up("EUR_USD"), up("USD_JPY", "stream"),
    ]  # fmt: skip
    said = [text for event in events if (text := words.of(event))]
    assert said == [
        "no answer for USDJPY (requests): HTTP 503; retrying in 4 s, then until it answers",
        "the venue answers again after 35 s",
    ]


def test_a_pair_that_is_lost_is_no_outage_that_hides_the_next():
    words = ConsoleLines(PAIRS)
    assert words.of(down("EUR_USD"))
    assert words.of(PairLost("EUR_USD", "delisted")) is None
    assert words.of(down("USD_JPY"))


def test_a_difference_of_clocks_is_said_when_it_is_one_and_when_it_changes():
    words = ConsoleLines(PAIRS)
    offsets_s = [0.4, 0.3, 600.0, 600.2, -3600.0, -3599.9, 0.0]
    said = [words.of(ClockOffset(int(s * SECOND_NS), SECOND_NS // 10, 5)) for s in offsets_s]
    clock = "this machine's clock is"
    counts = "the venue's; the venue's is used"
    assert said == [
        None,
        None,
        f"{clock} 600.0 s behind {counts}",
        None,
        f"{clock} 3600.0 s ahead of {counts}",
        None,
        "this machine's clock agrees with the venue's again",
    ]
    assert words.of(ClockTrusted())
    assert words.of(ClockTrusted()) is None
    assert words.of(Slept(90 * MINUTE_NS)) == "this machine slept for 90.0 minutes"
