"""Answers as columns, and what holes they show."""

import numpy as np
import pytest

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.holes import Reach, settled_ns
from mlx_muzero.venues.page import NO_BARS, UNREAD_NS, Page

NAMES = ("open", "volume")


@pytest.mark.parametrize("bad", [None, "x", float("nan"), -5, 1.5, 10**30])
def test_a_time_that_cannot_be_read_is_marked_and_harms_no_other(bad):
    page = Page.of_rows([[60_000, 1.0, 2.0], [bad, 3.0, 4.0], [120_000, "5", None]], NAMES)
    assert page.open_time_ns.tolist() == [UNREAD_NS, MINUTE_NS, 2 * MINUTE_NS]
    assert page.columns["open"].tolist() == [3.0, 1.0, 5.0]
    assert np.isnan(page.columns["volume"][2])


def test_short_rows_are_unknown_beyond_their_end():
    page = Page.of_rows([[60_000], [120_000, 7.0, 8.0, 9.0]], NAMES)
    assert np.isnan(page.columns["open"][0])
    assert page.columns["volume"][1] == 8.0


def test_pages_are_joined_in_order_of_time():
    one, two = (Page.of_rows([[ms, ms, 0]], NAMES) for ms in (120_000, 60_000))
    assert Page.join([one, NO_BARS, two]).columns["open"].tolist() == [60_000, 120_000]
    assert len(Page.join([])) == 0


def test_a_minute_is_settled_by_a_later_bar_but_the_last_may_not_be_there_yet():
    now = 100 * MINUTE_NS + 5
    assert settled_ns(100 * MINUTE_NS, now) == 99 * MINUTE_NS
    assert settled_ns(90 * MINUTE_NS, now) == 90 * MINUTE_NS


def test_an_answer_without_bars_covers_what_answers_were_seen_to_cover():
    reach = Reach(1000)
    assert reach.minutes == 100
    reach.saw(0, 299 * MINUTE_NS)
    assert reach.minutes == 300
    reach.saw(0, 5000 * MINUTE_NS)
    assert reach.minutes == 999
    assert reach.next_ns(0, None) == 999 * MINUTE_NS
    assert reach.next_ns(0, 7 * MINUTE_NS) == 8 * MINUTE_NS
