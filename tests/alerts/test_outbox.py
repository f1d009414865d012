"""When what waits for a place is sent, tried again and given up."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_places import TIME, alert
from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.alerts.outbox import GIVE_UP, LONGEST_BACKOFF_S, MOST_WAITING, Outbox
from mlx_muzero.watch.events import moment


def test_alerts_of_a_minute_are_one_message_and_the_next_waits():
    outbox = Outbox(60.0)
    outbox.add(alert("a"), 100.0)
    assert not outbox.due(101.0)
    outbox.add(alert("b"), 101.0)
    assert outbox.due(102.0)
    assert [told.what for told in outbox.begin("r").alerts] == ["a", "b"]
    outbox.sent(102.0)
    outbox.add(alert("c"), 103.0)
    assert not outbox.due(161.9)
    assert outbox.due(162.0)


def test_an_urgent_one_waits_five_seconds_and_takes_the_others_along():
    outbox = Outbox(60.0)
    outbox.add(alert("a"), 0.0)
    outbox.sent(10.0)
    outbox.add(alert("b"), 10.0)
    outbox.add(alert("c", urgent=True), 11.0)
    assert not outbox.due(14.9)
    assert outbox.due(15.0)
    assert len(outbox.begin("r").alerts) == 2


def test_a_failure_is_tried_again_ever_later():
    outbox, now_s, waits = Outbox(1.0), 0.0, []
    outbox.add(alert(), now_s)
    for _ in range(12):
        assert outbox.failed(now_s, Undelivered("HTTP 500")) == []
        later_s = next(s for s in range(1, 1000) if outbox.due(now_s + s))
        waits.append(later_s)
        now_s += later_s
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == LONGEST_BACKOFF_S
    outbox.failed(now_s, Undelivered("HTTP 429", retry_s=900.0))
    assert not outbox.due(now_s + 899.0)
    assert len(outbox.waiting) == 1


def test_what_is_hopeless_or_old_is_given_up():
    outbox = Outbox(1.0)
    outbox.add(alert("a"), 0.0)
    assert [a.what for a in outbox.failed(0.0, Undelivered("HTTP 404", hopeless=True))] == ["a"]
    assert outbox.waiting == []
    outbox.add(alert("b"), 1.0)
    now = moment(TIME)
    assert outbox.give_up(now + GIVE_UP) == []
    assert [a.what for a in outbox.give_up(now + GIVE_UP + timedelta(seconds=1))] == ["b"]


@pytest.mark.parametrize("begun", [True, False])
def test_what_a_kill_left_is_sent_at_once_and_says_if_it_may_be_a_repetition(begun):
    outbox = Outbox(60.0, [alert()], begun=begun)
    assert outbox.due(0.0)
    message = outbox.begin("r")
    assert message.repeated is begun
    assert ("repetition" in message.text(1000)) is begun
    outbox.sent(0.0)
    outbox.add(alert(), 1.0)
    assert not outbox.begin("r").repeated


@given(st.lists(st.tuples(st.sampled_from(["fill", "fault"]), st.booleans()), max_size=300))
def test_no_alert_is_lost_uncounted_and_urgent_ones_stay(drawn):
    outbox = Outbox(60.0)
    for kind, urgent in drawn:
        outbox.add(alert(kind=kind, urgent=urgent), 0.0)
    assert len(outbox.waiting) <= MOST_WAITING
    total = Counter(told.kind for told in outbox.waiting) + outbox.more
    assert total == Counter(kind for kind, _ in drawn)
    urgent = sum(urgent for _, urgent in drawn)
    assert sum(told.urgent for told in outbox.waiting) == min(urgent, MOST_WAITING)
