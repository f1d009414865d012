"""The journal: whole lines of JSON whatever happened to the process before."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.runlog.journal import Journal, read


def noon():
    return datetime(2024, 1, 7, 12, tzinfo=UTC)


def test_events_come_back_in_order_with_the_time_of_the_clock(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl", noon)
    journal.append("began", episodes=0)
    journal.append("saved", checkpoint="a", best=True)
    assert list(read(tmp_path / "journal.jsonl")) == [
        {"event": "began", "time": "2024-01-07T12:00:00+00:00", "episodes": 0},
        {"event": "saved", "time": "2024-01-07T12:00:00+00:00", "checkpoint": "a", "best": True},
    ]


def test_every_line_is_strict_json(tmp_path):
    path = tmp_path / "journal.jsonl"
    facts = {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": np.float64("-inf")}, "e": "\n"}
    Journal(path, noon).append("odd", **facts)
    (line,) = path.read_text().splitlines()
    written = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert {key: written[key] for key in facts} == {
        "a": None, "b": [1.0, None], "c": {"d": None}, "e": "\n",
    }  # fmt: skip


@given(cut=st.integers(0, 60))
def test_a_torn_last_line_is_closed_and_skipped(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    journal = Journal(path, noon)
    journal.append("first")
    whole = path.read_bytes()
    journal.append("torn", number=1)
    path.write_bytes(path.read_bytes()[: len(whole) + cut])
    Journal(path, noon).append("last")
    assert path.read_bytes().startswith(whole)
    # Without its line end the object may be whole all the same, and is then kept.
    assert [event["event"] for event in read(path)] in (
        ["first", "last"],
        ["first", "torn", "last"],
    )


def test_what_is_not_an_event_is_skipped(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'[1]\n\xff\xfe\n{"no": "event"}\n\n{"event": "one"}\n')
    assert [event["event"] for event in read(path)] == ["one"]
