"""Whether a soak sees that a life began with something else than was left to it."""

import json
from dataclasses import asdict, replace

import pytest

from mlx_muzero.runlog.journal import Journal
from soaking.carried import begun_with, carried, left_to_lives
from soaking.holding import Holding

PAIRS = ("BTCUSDT", "ETHUSDT")
MONEY = {"equity": 990.0, "realized": -8.0, "unrealized": -2.0, "cash": 992.0}
MINUTE = MONEY | {"exposure_total": 0.5, "mode": "trading", "close_ns": 60}
HELD = Holding(MINUTE, PAIRS, {"BTCUSDT": (0.5, 101.25)}, {"ETHUSDT": 3})
"""What the session of `journal_path` holds at its end."""


@pytest.fixture
def journal_path(tmp_path):
    """The journal of two lives that were killed, and of a third that has begun."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("paper_started")
    journal.append("order", id=1, pair="BTCUSDT")
    journal.append("minute", **MINUTE | {"equity": 1000.0, "close_ns": 30})
    journal.append("fill", pair="BTCUSDT", order_id=1, exposure=0.5, price=101.25)
    journal.append("order", id=2, pair="ETHUSDT")
    journal.append("order_canceled", id=2)
    journal.append("order", id=3, pair="ETHUSDT")
    journal.append("minute", **MINUTE)
    journal.append("paper_started")
    journal.append("paper_started")
    return tmp_path / "journal.jsonl"


def found(journal_path, *begun):
    """What is wrong where lives began with `begun`, by what: lost, doubled, different."""
    rows = carried(left_to_lives(journal_path, PAIRS), list(begun))
    return {
        row.what.split()[0]: (row.lost, row.doubled, row.differ) for row in rows if not row.good
    }


def test_lives_that_begin_with_what_was_left_are_as_they_should_be(journal_path):
    assert left_to_lives(journal_path, PAIRS) == {1: HELD, 2: HELD}
    assert found(journal_path, (1, HELD), (2, HELD)) == {}


@pytest.mark.parametrize(
    ("begun", "wrong"),
    [
        (replace(HELD, positions={}), {"positions": (1, 0, 0)}),
        (replace(HELD, positions=HELD.positions | {"ETHUSDT": (1.0, 7.0)}),
         {"positions": (0, 1, 0)}),
        (replace(HELD, positions={"BTCUSDT": (-0.5, 101.25)}), {"positions": (0, 0, 1)}),
        (replace(HELD, positions={"BTCUSDT": (0.5, 101.26)}), {"positions": (0, 0, 1)}),
        (replace(HELD, account=MINUTE | {"equity": 990.0000000000001}), {"accounts": (0, 0, 1)}),
        (replace(HELD, account=MINUTE | {"mode": "halted"}), {"accounts": (0, 0, 1)}),
        (replace(HELD, pairs=PAIRS[:1]), {"pairs": (1, 0, 0)}),
        (replace(HELD, pairs=(*PAIRS, "SOLUSDT")), {"pairs": (0, 1, 0)}),
        (replace(HELD, orders={}), {"orders": (1, 0, 0)}),
        (replace(HELD, orders={"ETHUSDT": 2}), {"orders": (1, 1, 0)}),
    ],
)  # fmt: skip
def test_a_life_that_begins_with_something_else_is_told(journal_path, begun, wrong):
    assert found(journal_path, (1, HELD), (2, begun)) == wrong


def test_a_life_that_did_not_begin_or_began_twice_is_told(journal_path):
    assert found(journal_path, (1, HELD)) == {
        "accounts": (1, 0, 0), "pairs": (2, 0, 0), "positions": (1, 0, 0), "orders": (1, 0, 0)
    }  # fmt: skip
    assert found(journal_path, (1, HELD), (2, HELD), (2, HELD))["accounts"] == (0, 1, 0)


def test_a_closed_position_a_stop_and_a_dropped_pair_are_followed():
    held = HELD
    for event in (
        {"event": "fill", "pair": "BTCUSDT", "order_id": 4, "exposure": 0.0, "price": 99.0},
        {"event": "order_expired", "id": 3},
        {"event": "fault", "what": "feed", "mode": "entries_stopped"},
        {"event": "fault", "what": "feed of ETHUSDT", "pair": "ETHUSDT"},
    ):
        held = held.after(event)
    assert held == Holding(MINUTE | {"mode": "entries_stopped"}, PAIRS[:1])


def test_a_life_notes_what_it_holds_and_the_first_has_nothing_to_carry(tmp_path):
    path = tmp_path / "beginnings.jsonl"
    noted = [{"life": life} | asdict(HELD) for life in (0, 1)]
    path.write_text("".join(json.dumps(facts) + "\n" for facts in noted))
    assert [*begun_with(path)] == [(1, HELD)]
