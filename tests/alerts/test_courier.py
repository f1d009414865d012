"""Alerts reach their places; what fails is kept and told; a restart repeats nothing."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from alert_places import TIME, Recorded, alert
from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.alerts.courier import Courier
from mlx_muzero.alerts.kept import KeptAlerts, troubles
from mlx_muzero.alerts.tail import Cursor
from mlx_muzero.watch.events import moment


class Desk:
    """A courier with a clock that is set by hand."""

    def __init__(self, folder, places=None):
        self.now_s, self.told, self.said = 1000.0, [], []
        self.places = places or [Recorded()]
        self.path = folder / "alerts.json"
        self.courier = Courier(
            Path("runs/p"), self.path, self.places, 60.0, self.told.append, self.said.append,
            lambda: self.now_s, lambda: moment(TIME),
        )  # fmt: skip

    def deliver(self, after_s=3.0, **options):
        self.now_s += after_s
        asyncio.run(self.courier.deliver(**options))


def test_what_was_delivered_is_not_sent_again_by_the_next_process(tmp_path):
    desk = Desk(tmp_path)
    desk.courier.add(alert("a"))
    desk.deliver()
    assert [m.alerts[0].what for m in desk.places[0].got] == ["a"]
    later = Desk(tmp_path)
    later.deliver()
    assert later.places[0].got == []


def test_what_waits_outlives_the_process(tmp_path):
    desk = Desk(tmp_path)
    desk.courier.kept.cursor = Cursor(7, 3)
    desk.courier.add(alert("a"))
    desk.courier.keep()
    later = Desk(tmp_path)
    assert later.courier.kept.cursor == Cursor(7, 3)
    later.deliver()
    assert [m.alerts[0].what for m in later.places[0].got] == ["a"]


def test_a_kill_while_it_is_sent_is_told_in_the_message(tmp_path):
    desk = Desk(tmp_path)
    desk.places[0].error = KeyboardInterrupt()
    desk.courier.add(alert("a"))
    with pytest.raises(KeyboardInterrupt):
        desk.deliver()
    later = Desk(tmp_path)
    later.deliver()
    assert [m.repeated for m in later.places[0].got] == [True]


def test_a_place_that_fails_is_told_once_keeps_its_alerts_and_delays_no_other(tmp_path):
    bad, good = Recorded(), Recorded()
    bad.name = "mail"
    bad.error = Undelivered("it exited with code 75")
    desk = Desk(tmp_path, [bad, good])
    desk.courier.add(alert("a"))
    for _ in range(3):
        desk.deliver(300.0)
    assert len(good.got) == 1
    assert [str(news) for news in desk.told] == [
        "alerts to mail fail (it exited with code 75); they are kept and tried again"
    ]
    assert troubles(tmp_path) == ["alerts to mail fail (it exited with code 75): 1 wait"]
    bad.error = None
    desk.deliver(301.0)
    assert [news.outcome for news in desk.told] == ["failing", "works"]
    assert troubles(tmp_path) == []


def test_what_is_given_up_is_kept_and_told(tmp_path):
    desk = Desk(tmp_path)
    desk.places[0].error = Undelivered("HTTP 404", hopeless=True)
    desk.courier.add(alert("a"))
    desk.deliver()
    assert desk.told[0].facts == {
        "channel": "program", "outcome": "given up", "reason": "HTTP 404", "count": 1,
    }  # fmt: skip
    assert troubles(tmp_path)[-1] == (
        "alerts never delivered: 1, the last to program (HTTP 404): a"
    )
    assert KeptAlerts.load(desk.path, 60.0, desk.said.append).undelivered[0][2].what == "a"


def test_what_was_given_up_a_week_ago_is_news_no_more(tmp_path):
    desk = Desk(tmp_path)
    for days in (6, 8):
        time = (moment(TIME) - timedelta(days=days)).isoformat()
        desk.courier.kept.undelivered.append(("mail", "no", alert(f"{days} days", time=time)))
    desk.courier.keep()
    later = Desk(tmp_path)
    assert [lost[2].what for lost in later.courier.kept.undelivered] == ["6 days"]


def test_the_end_sends_what_waits_but_not_to_a_place_that_just_failed(tmp_path):
    bad, good = Recorded(), Recorded()
    bad.name = "mail"
    bad.error = Undelivered("no")
    desk = Desk(tmp_path, [bad, good])
    desk.courier.add(alert("a"))
    desk.deliver()
    desk.courier.add(alert("b"))
    bad.error = AssertionError("asked again")
    desk.deliver(0.0, last=True)
    assert [m.alerts[0].what for m in good.got] == ["a", "b"]


@pytest.mark.parametrize("text", ["", "[]", '{"seq": 0}', "\x00", '{"channels": {"x": 1}}'])
def test_a_damaged_file_is_told_and_begun_anew(tmp_path, text):
    (tmp_path / "alerts.json").write_text(text)
    assert troubles(tmp_path)[0].startswith(f"{tmp_path}/alerts.json: wanted")
    desk = Desk(tmp_path)
    assert "alerts that waited in it are lost" in desk.said[0]
    desk.courier.add(alert("a"))
    desk.deliver()
    assert len(desk.places[0].got) == 1
    assert troubles(tmp_path) == []


def test_a_disk_that_refuses_is_told_once_and_alerts_are_sent_all_the_same(tmp_path):
    desk = Desk(tmp_path / "gone")
    for _ in range(2):
        desk.courier.add(alert("a"))
        desk.deliver(100.0)
    assert len(desk.places[0].got) == 2
    assert len(desk.said) == 1
    assert "No such file" in desk.said[0]
