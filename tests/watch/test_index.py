"""Journals of any length: indexed, sampled, and read past damage."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.watch.index import MOST_OLDER, RECENT, JournalIndex
from watching import learned


def long_journal(path, lines):
    body = '"losses": {"policy": 1.0}, "total": 1.0, "gradient_norm": 1.0, "overflow_frac": 0.0}'
    with path.open("w") as file:
        file.writelines(
            f'{{"event": "learned", "time": "2026-01-04T12:00:00+00:00", "steps": {step}, {body}\n'
            for step in range(lines)
        )


@pytest.mark.slow
def test_a_journal_of_a_million_lines_is_opened_by_decoding_a_thousandth(folder, watched):
    long_journal(folder / "journal.jsonl", 1_000_000)
    watched.poll()
    assert len(watched.index) == 1_000_000
    assert watched.index.decoded <= MOST_OLDER + RECENT
    assert watched.state.steps == 999_999
    assert watched.state.losses["total"].x[0] == 0
    before = watched.index.decoded
    watched.playback.scrub(-0.5)
    watched.poll()
    assert watched.state.steps == 499_999
    assert watched.index.decoded - before <= MOST_OLDER + RECENT


def test_damaged_lines_are_skipped_and_counted(folder, journal, watched):
    journal.append("learned", **learned(20))
    path = folder / "journal.jsonl"
    with path.open("ab") as file:
        file.write(b'not json\n\xff\xfe\n{"event": "learned", "steps": \n\n{"event": "le}\n')
    journal.append("learned", **learned(40))
    watched.poll()
    assert (watched.state.steps, watched.index.skipped) == (40, 4)


def test_a_line_still_being_written_waits(folder, journal, watched):
    journal.append("learned", **learned(20))
    line = json.dumps({"event": "learned", "time": "", **learned(40)}).encode() + b"\n"
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(line[:50])
        file.flush()
        watched.poll()
        assert (watched.state.steps, watched.index.skipped) == (20, 0)
        file.write(line[50:])
    watched.poll()
    assert (watched.state.steps, watched.index.skipped) == (40, 0)


def test_a_replaced_journal_begins_again(folder, journal, watched):
    for steps in (20, 40, 60):
        journal.append("learned", **learned(steps))
    watched.poll()
    (folder / "journal.jsonl").unlink()
    journal.append("learned", **learned(20))
    watched.poll()
    assert (len(watched.index), watched.state.steps) == (1, 20)


KINDS = ("fault", "risk", "hole")


@given(counts=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 700)), max_size=8))
def test_sampling_is_in_order_and_bounded(tmp_path_factory, counts):
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    kinds = [kind for kind, count in counts for _ in range(count)]
    path.write_text("".join(f'{{"event": "{k}", "n": {n}}}\n' for n, k in enumerate(kinds)))
    index = JournalIndex(path)
    index.refresh()
    assert len(index) == len(kinds)
    found = index.sampled(len(kinds), {KINDS[0]})
    numbers = [event["n"] for event in found]
    assert numbers == sorted(set(numbers))
    for kind in set(kinds):
        every = [n for n, k in enumerate(kinds) if k == kind]
        mine = [event["n"] for event in found if event["event"] == kind]
        assert mine[-RECENT:] == every[-RECENT:]
        assert len(mine) <= RECENT + (MOST_OLDER if kind == KINDS[0] else 0)
        assert kind != KINDS[0] or mine[0] == every[0]
