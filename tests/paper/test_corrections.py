"""What a venue corrects while a session is away is told once, as what it corrects meanwhile."""

import pytest

from live_sessions import START_NS, journaled, trade
from mlx_muzero.paper.corrections import Corrections
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.timeunits import MINUTE_NS
from virtual_time import SECOND_NS

RESUMED_NS = START_NS + 5 * MINUTE_NS
"""Bars that closed three minutes before are read again, and no older ones."""
LAST = RESUMED_NS // MINUTE_NS - 2  # that the session heard before it went away


def corrected(*minutes):
    """Lets the venue tell other closes of some minutes of USDJPY from now on."""

    def prepare(_clock, source):
        values = source.venue.values

        def others(pair, minute):
            told = values(pair, minute)
            if pair == "USDJPY" and minute in minutes:
                return (*told[:3], told[3] + 0.25, told[4])
            return told

        source.venue.values = others

    return prepare


def revised(played):
    return [
        event["bar"]["open_time_ns"] // MINUTE_NS
        for event in journaled(played, "feed", kind="revised", pair="USDJPY")
    ]


def test_a_correction_made_meanwhile_is_told_once(tmp_path):
    trade(tmp_path / "run", 4)
    back = trade(tmp_path / "run", 2, 0, corrected(LAST), start_ns=RESUMED_NS)
    assert revised(back) == [LAST]
    (event,) = journaled(back, "feed", kind="revised")
    assert event["bar"]["close"] == event["previous"]["close"] + 0.25
    again = trade(tmp_path / "run", 2, 0, corrected(LAST), start_ns=RESUMED_NS + 20 * SECOND_NS)
    assert revised(again) == [LAST]


@pytest.mark.slow
def test_a_correction_that_was_told_is_no_news_after_a_restart(tmp_path):
    minute = LAST - 1
    played = trade(tmp_path / "run", 4, 0, lambda clock, source: _later(clock, source, minute))
    assert revised(played) == [minute]
    back = trade(tmp_path / "run", 2, 0, corrected(minute), start_ns=RESUMED_NS)
    assert revised(back) == [minute]


def _later(clock, source, minute):
    """Correct a minute half a minute after its close."""
    values = source.venue.values

    def others(pair, asked):
        told = values(pair, asked)
        over_ns = clock.wall_ns() - (asked + 1) * MINUTE_NS
        if pair == "USDJPY" and asked == minute and over_ns > 30 * SECOND_NS:
            return (*told[:3], told[3] + 0.25, told[4])
        return told

    source.venue.values = others


@pytest.mark.slow
def test_a_bar_that_had_been_given_up_is_told_when_it_comes_meanwhile(tmp_path):
    def hide(_clock, source):
        source.venue.silent.add(LAST - 1)

    played = trade(tmp_path / "run", 4, 0, hide)
    assert [e["missing"] for e in journaled(played, "feed", kind="gap_filled", pair="USDJPY")]
    back = trade(tmp_path / "run", 2, start_ns=RESUMED_NS)
    assert revised(back) == [LAST - 1]
    assert journaled(back, "feed", kind="revised", pair="USDJPY")[0]["previous"] is None


def bar(minute, close=1.0, volume=2.0):
    return LiveBar("USD_JPY", minute * MINUTE_NS, 1.0, 1.5, 0.5, close, volume, None, 0)


@pytest.mark.parametrize("volume", [2.0, float("nan")])
def test_they_survive_as_json_values_and_old_ones_are_forgotten(volume):
    corrections = Corrections()
    for minute in range(5):
        corrections.note("USDJPY", bar(minute, 1.25, volume))
    state = corrections.state()
    assert [row["open_time_ns"] // MINUTE_NS for row in state["USDJPY"]] == [2, 3, 4]
    restored = Corrections()
    restored.restore(state)
    assert restored.state() == state
    stored = [bar(minute, volume=volume) for minute in (1, 3)]
    told = restored.applied("USDJPY", stored)
    assert [(b.open_time_ns // MINUTE_NS, b.close) for b in told] == [
        (1, 1.0),
        (2, 1.25),
        (3, 1.25),
    ]
    assert restored.applied("EURJPY", stored) == tuple(stored)
