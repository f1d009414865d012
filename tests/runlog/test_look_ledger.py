"""The ledger of looks: what is counted, what is kept, and what is told when it cannot be."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlx_muzero.runlog.look import Look, LookedBars, Marks, Tried
from mlx_muzero.runlog.look_ledger import LookLedger, Looks, configurations_tried

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def bars(first=0, end=10, symbols=("USDJPY",)):
    return LookedBars(symbols, first, end, f"{first}-{end}")


@pytest.fixture
def ledger(tmp_path):
    return LookLedger(tmp_path / "market.duckdb", lambda: NOW)


def test_evaluations_of_overlapping_bars_count_whatever_the_run(ledger):
    assert ledger.add("evaluated", bars(), "a", "one") == Looks(1, 1, 0, 1)
    assert ledger.add("evaluated", bars(9, 20), "a", "two") == Looks(2, 1, 0, 1)
    assert ledger.add("evaluated", bars(5, 10), "b", "three") == Looks(3, 2, 0, 2)


def test_other_bars_do_not_count(ledger):
    ledger.add("evaluated", bars(0, 10), "a", "one")
    assert ledger.add("evaluated", bars(10, 20), "a", "one").evaluations == 1
    assert ledger.add("evaluated", bars(symbols=("EURUSD",)), "a", "one").evaluations == 1
    assert ledger.add("evaluated", bars(symbols=("EURUSD", "USDJPY")), "a", "x").evaluations == 3


def test_a_configuration_trained_twice_counts_once(ledger):
    ledger.add("trained", bars(), "a", "one")
    ledger.add("trained", bars(50, 60), "a", "two")
    assert ledger.add("trained", bars(), "b", "three").trained == 2
    assert ledger.add("evaluated", bars(), "b", "three") == Looks(1, 1, 2, 2)


def test_a_look_that_names_no_policy_is_at_one_that_another_names(ledger):
    agent = {"agent": Tried(2, 1.0, 0.5, 0, 1, (1.0,))}
    assert ledger.add("evaluated", bars(), "a", "replayed").tried == 1
    looks, _ = ledger.record(Look("evaluated", bars(), "a", "one", policies=agent))
    assert (looks.evaluations, looks.tried) == (2, 1)
    looks, _ = ledger.record(
        Look("evaluated", bars(), "a", "one", policies=agent | {"b": agent["agent"]})
    )
    assert (looks.evaluations, looks.tried) == (3, 2)
    assert ledger.add("evaluated", bars(), "b", "replayed").tried == 3


def test_it_is_appended_to_and_survives_damage(ledger):
    ledger.add("evaluated", bars(), "a", "one")
    kept = ledger.path.read_bytes()
    with ledger.path.open("ab") as file:
        file.write(b'{"event": "evaluated", "symbols": 7}\n[[[[\n{"event": "evaluated"')
    assert ledger.add("evaluated", bars(), "a", "one").evaluations == 2
    assert ledger.path.read_bytes().startswith(kept)


def test_a_ledger_that_cannot_be_written_is_told_of(ledger):
    ledger.path.mkdir()
    looks = ledger.add("evaluated", bars(), "a", "one")
    assert (looks.evaluations, looks.configurations) == (1, 1)
    assert f"Not recorded: {ledger.path}" in looks.words
    # The user's own ledger has it.
    assert ledger.add("evaluated", bars(), "a", "two").evaluations == 2


def test_the_words():
    assert Looks(7, 2, 21, 23).at("this test split") == (
        "Look 7 at this test split; 23 configurations were tried: 2 judged on these bars, 21 "
        "trained on the market."
    )


def test_lines_that_are_no_looks_are_refused_with_a_word(ledger):
    ledger.add("evaluated", bars(), "a", "one")
    good = json.loads(ledger.path.read_text())
    hostile = [
        "[" * 100_000,
        '{"event": "evaluated"}',
        json.dumps(good | {"symbols": 7}),
        json.dumps(good | {"end_ns": -1}),
        json.dumps(good | {"event": "forgotten"}),
        json.dumps(good | {"policies": {"x": {"sharpe": "NaN"}}}),
        json.dumps(good | {"policies": {"x": {"sharpe": float("nan")}}}),
        json.dumps(good | {"marks": {"USDJPY": {"first_day": 0, "every": 0, "text": "abcd"}}}),
        json.dumps(good | {"marks": {"USDJPY": {"first_day": 0, "every": 1, "text": "a" * 10**6}}}),
    ]
    with ledger.path.open("a") as file:
        file.writelines(f"{line}\n" for line in hostile)
    kept = ledger.kept()
    assert (len(kept.looks), len(kept.refused)) == (1, len(hostile))
    assert kept.refused[2] == f"{ledger.path}, line 4: wanted symbols: a list of at most 20,000"
    words = ledger.add("evaluated", bars(), "a", "two").words
    assert f"Not counted: {ledger.path}, line 2: wanted a JSON object, and 8 more." in words


def marked(digest="one", text="aaaabbbb....cccc", first=100, every=1):
    return LookedBars(("USDJPY",), 0, 10, digest, {"USDJPY": Marks(first, every, text)})


def test_a_renamed_store_continues_and_another_market_does_not(tmp_path):
    old = LookLedger(tmp_path / "old.duckdb", lambda: NOW)
    old.add("trained", marked(), "a", "one")
    old.add("evaluated", marked(), "a", "one")
    new = LookLedger(tmp_path / "new.duckdb", lambda: NOW)
    grown = marked("two", "bbbb....cccc9999", first=101)
    assert new.add("evaluated", grown, "b", "two") == Looks(2, 2, 1, 2)
    walk = marked("three", "0000111122223333")
    assert new.add("evaluated", walk, "b", "two") == Looks(1, 1, 0, 1)
    assert old.add("evaluated", marked(), "a", "one").evaluations == 3


def test_what_was_tried_on_a_models_market_is_known_wherever_its_store_is(tmp_path):
    def tried(ledger, configuration, symbol="USDJPY"):
        return configurations_tried(ledger.of_configuration([symbol], configuration))

    old = LookLedger(tmp_path / "old.duckdb", lambda: NOW)
    for configuration in "abb":
        old.add("trained", marked(), configuration, "run")
    old.add("evaluated", marked(), "c", "run")
    old.add("validated", marked(), "d", "run")
    assert tried(old, "a") == 3
    moved = LookLedger(tmp_path / "moved.duckdb", lambda: NOW)
    assert tried(moved, "a") == 3, "the user's own ledger knows the bars"
    assert tried(moved, "unheard of") == 1
    assert tried(old, "unheard of") == 3
    assert tried(old, "a", "EURUSD") == 1
    moved.add("trained", marked("walk", "0000111122223333"), "e", "run")
    assert tried(moved, "a") == 3, "another market under the same name"
    assert tried(moved, "e") == 1


def test_marks_of_every_day_meet_those_of_every_fourth():
    daily = marked(text="".join(f"{day:04x}" for day in range(100, 120)))
    sparse = marked("two", "".join(f"{day:04x}" for day in range(104, 120, 4)), 104, 4)
    assert daily.same_market(sparse) is True
    assert daily.same_market(marked("three", "ffff" * 4, 104, 4)) is False
    assert daily.same_market(marked("four", "ffff" * 4, 501)) is None


def test_ledgers_of_two_machines_merge_and_nothing_counts_twice(tmp_path):
    here = LookLedger(tmp_path / "here.duckdb", lambda: NOW, tmp_path / "own-here.jsonl")
    there = LookLedger(tmp_path / "there.duckdb", lambda: NOW, tmp_path / "own-there.jsonl")
    here.add("evaluated", bars(), "a", "one")
    there.add("evaluated", bars(), "b", "two")
    with there.path.open("a") as file:
        file.write("nonsense\n")
    added, refused = here.merge(there.path)
    assert (added, len(refused)) == (1, 1)
    assert here.merge(there.path)[0] == 0
    assert there.merge(here.path)[0] == 1
    assert here.add("evaluated", bars(), "c", "three") == Looks(3, 3, 0, 3)
    assert len(here.own.read_text().splitlines()) == 3


def test_a_look_says_what_it_tried(ledger):
    tried = Tried(10, 1.5, 0.3, 18_000, 1, (1.0, -2.0))
    look = Look("evaluated", marked(), "a", "one", "best", part="test", seed=7, recipe="r")
    look = replace(look, policies={"puct 8": tried, "puct 50": tried})
    looks, kept = ledger.record(look)
    assert (looks.configurations, looks.tried) == (1, 2)
    assert tuple(kept.trials(look.bars).values()) == (tried, tried)
    (kept,) = (look for look, _ in ledger.kept().looks.values())
    assert replace(kept, time="", id="") == look
    ledger.record(replace(look, seed=8))
    ledger.record(replace(look, recipe="another", seed=9))
    assert ledger.kept().of_seeds(look) == {7: tried, 8: tried}


def test_a_look_is_told_with_its_part_where_that_does_not_follow():
    look = Look("validated", marked(), "a", "one", part="validation")
    assert [replace(look, part=part).what for part in ("validation", "train", "")] == [
        "validated",
        "validated train",
        "validated",
    ]


def test_looks_of_0_2_0_count(ledger):
    line = '{"event": "evaluated", "time": "2026-01-01T00:00:00+00:00", "symbols": ["USDJPY"], ' \
        '"first_ns": 0, "end_ns": 10, "digest": "x", "configuration": "a", "run": "r", ' \
        '"checkpoint": "c"}\n'  # fmt: skip
    ledger.path.write_text(line)
    assert ledger.add("evaluated", marked(), "b", "two") == Looks(2, 2, 0, 2)
