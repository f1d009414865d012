"""What a journal gained is read once, whatever happens to the journal."""

import json

import pytest

from mlx_muzero.alerts.tail import Cursor, JournalTail
from mlx_muzero.runlog.journal import Journal


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.jsonl")


def names(tail):
    return [event["name"] for event in tail.new()]


def test_only_new_events_of_the_kinds_asked_for(journal, tmp_path):
    journal.append("command", seq=1, name="old")
    tail = JournalTail(tmp_path / "journal.jsonl", ["command"])
    assert names(tail) == []
    journal.append("command", seq=2, name="new")
    journal.append("minute", seq=3, name="not a minute at all")
    journal.append("command", name="unnumbered")
    assert names(tail) == ["new", "unnumbered"]
    assert names(tail) == []


def test_a_line_still_being_written_waits(journal, tmp_path):
    path = tmp_path / "journal.jsonl"
    tail = JournalTail(path, ["command"])
    line = json.dumps({"event": "command", "seq": 1, "name": "halt"})
    with path.open("w") as file:
        file.write(line[:20])
        file.flush()
        assert names(tail) == []
        file.write(line[20:] + "\n")
    assert names(tail) == ["halt"]


def test_a_journal_that_was_cut_and_completed_is_told_once(journal, tmp_path):
    path = tmp_path / "journal.jsonl"
    tail = JournalTail(path, ["command"], Cursor())
    for number in (1, 2):
        journal.append("command", seq=number, name=str(number))
    assert names(tail) == ["1", "2"]
    path.write_text("")  # cut by someone; the next start of the session completes it
    again = JournalTail(path, ["command"], tail.cursor)
    assert names(again) == []
    for number in (1, 2, 3):
        journal.append("command", seq=number, name=str(number))
    assert names(again) == ["3"]


def test_damaged_and_hostile_lines_are_no_events(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(
        b'{"event": "fill", "pair": 3}\n{"event": "command", "seq": "x"}\n'
        b'{"event": "command"\n\xff\n' + b'{"event": "command", "name": "halt"}\n'
    )
    assert names(JournalTail(path, ["command", "fill"], Cursor())) == ["halt"]
