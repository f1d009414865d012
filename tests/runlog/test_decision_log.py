"""Recorded decisions: trees cut without losing a parent, days found without parsing trees."""

import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.errors import RunError
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DecisionRecord
from mlx_muzero.search.result import TreeTable
from runs import ran_through

NOON_NS = 1_704_628_800_000_000_000


def columns(parent, visits, **others):
    rows = len(parent)
    blank = dict.fromkeys((field.name for field in fields(TreeTable)), [0] * rows)
    return {**blank, "node": list(range(rows)), "parent": parent, "visits": visits, **others}


def decision(**others):
    tree = columns([-1, 0, 0], [3, 2, 1])
    values = {
        "close_ns": NOON_NS, "pair": "EURUSD", "action": 1, "episodes": None,
        "action_names": ["HOLD", "BUY"], "outcome_names": ["UP", "DOWN"], "position": "FLAT",
        "prior": [0.5, 0.5], "visits": [1, 2], "q": [0.0, 0.25], "value": 0.1,
        "network_value": float("nan"), "outcomes": [None, [0.5, 0.5]], "threshold_pips": 1.0,
        "latency_ms": 2.0, "tree": decision_log.bounded_tree(tree),
    }  # fmt: skip
    return DecisionRecord(**values | others)


@given(
    parents=st.lists(st.integers(0, 10**6), max_size=80),
    visits=st.lists(st.integers(1, 50), min_size=81, max_size=81),
    most=st.integers(1, 90),
)
def test_a_cut_tree_hangs_together_and_keeps_the_most_visited(parents, visits, most):
    parent = [-1] + [draw % (row + 1) for row, draw in enumerate(parents)]
    tree = columns(parent, visits[: len(parent)], value=[float(row) for row in range(len(parent))])
    cut = decision_log.bounded_tree(tree, most)
    kept = [int(row) for row in cut["value"]]
    assert len(kept) == min(most, len(parent))
    assert cut["node"] == list(range(len(kept)))
    assert [kept[above] for above in cut["parent"][1:]] == [parent[row] for row in kept[1:]]
    left = [row for row in range(len(parent)) if row not in kept and parent[row] in kept]
    leaves = [row for row in kept[1:] if not any(parent[other] == row for other in kept)]
    # A leaf was kept before anything that could have been kept in its place.
    assert all(max(visits[row] for row in leaves) >= visits[other] for other in left if leaves)


def test_outcomes_are_those_of_the_roots_expanded_actions():
    tree = columns(
        [-1, 0, 0, 1, 1],
        [3, 1, 1, 1, 1],
        kind=[0, 1, 1, 0, 0],
        action_or_outcome=np.array([-1, 2, 0, 1, 0]),
        probability=np.array([np.nan, np.nan, np.nan, 0.75, 0.25]),
    )
    assert decision_log.outcomes_by_action(tree, 3, 2) == [None, None, [0.25, 0.75]]


def test_what_is_appended_comes_back_by_day(tmp_path):
    for close_ns, pair in ((NOON_NS, "EURUSD"), (NOON_NS + 86_400 * 10**9, "Ünd/USDT:USDT")):
        decision_log.append(tmp_path / "decisions", decision(close_ns=close_ns, pair=pair))
    first, second = decision_log.days(tmp_path / "decisions")
    assert (first.stem, second.stem) == ("2024-01-07", "2024-01-08")
    (entry,), _ = decision_log.index(second)
    assert (entry.pair, entry.action, entry.episodes) == ("Ünd/USDT:USDT", 1, None)
    again = decision_log.read(entry)
    assert again == decision(close_ns=entry.close_ns, pair=entry.pair, network_value=None)


def test_an_index_goes_on_where_it_ended(tmp_path):
    decision_log.append(tmp_path, decision())
    (path,) = decision_log.days(tmp_path)
    _, end = decision_log.index(path)
    assert decision_log.index(path, end) == ([], end)
    with path.open("ab") as file:
        file.write(b'{"close_ns": 1, "pair": "TO')
    assert decision_log.index(path, end) == ([], end)
    decision_log.append(tmp_path, decision(pair="NEXT", episodes=64))
    (entry,), _ = decision_log.index(path, end)
    assert (entry.pair, entry.episodes) == ("NEXT", 64)
    assert decision_log.read(entry).episodes == 64


def test_a_damaged_decision_is_an_error_that_names_the_place(tmp_path):
    decision_log.append(tmp_path, decision())
    (path,) = decision_log.days(tmp_path)
    (entry,), _ = decision_log.index(path)
    path.write_bytes(path.read_bytes().replace(b'"tree"', b'"treetop"'))
    with pytest.raises(RunError, match=r"2024-01-07\.jsonl, byte 0"):
        decision_log.read(entry)


def test_a_line_is_strict_json(tmp_path):
    decision_log.append(tmp_path, decision())
    (path,) = decision_log.days(tmp_path)
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.slow
def test_training_records_decisions_of_each_validation(small_config, tmp_path_factory):
    trainer = ran_through(small_config, tmp_path_factory.mktemp("run"))
    entries = [
        entry
        for path in decision_log.days(trainer.folder.decisions_path)
        for entry in decision_log.index(path)[0]
    ]
    assert sorted({entry.episodes for entry in entries}) == [4, 8, 12]
    assert len(entries) == 3 * small_config.train.validate_sessions
    record = decision_log.read(entries[0])
    assert sum(record.visits) == small_config.search.num_simulations
    assert record.tree["parent"][0] == -1
    assert record.tree["kind"][0] == decision_log.DECISION
    expanded = [shares for shares in record.outcomes if shares is not None]
    assert expanded
    assert all(sum(shares) == pytest.approx(1.0, abs=1e-4) for shares in expanded)


@given(
    minutes=st.lists(st.integers(0, 40), min_size=1, max_size=30).map(sorted),
    asked=st.integers(0, 40),
)
@examples(20)
def test_a_decision_is_found_by_pair_and_time_in_few_reads(minutes, asked, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decisions")
    for minute in minutes:
        for pair in ("EURUSD", "USDJPY"):
            close_ns = NOON_NS + minute * 60 * 10**9
            decision_log.append(folder, decision(close_ns=close_ns, pair=pair))
    found = decision_log.find(folder, "USDJPY", NOON_NS + asked * 60 * 10**9)
    entries, _ = decision_log.index(decision_log.days(folder)[0])
    key = ("USDJPY", NOON_NS + asked * 60 * 10**9)
    wanted = [entry for entry in entries if (entry.pair, entry.close_ns) == key]
    assert found == (wanted[-1] if wanted else None)


def test_a_decision_is_found_in_a_long_day_between_damaged_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(decision_log, "_FEW_BYTES", 2000)
    for minute in range(200):
        decision_log.append(tmp_path, decision(close_ns=NOON_NS + minute * 60 * 10**9))
        if minute % 7 == 0:
            with decision_log.days(tmp_path)[0].open("ab") as file:
                file.write(b"torn\n")
    for minute in (0, 1, 99, 198, 199):
        close_ns = NOON_NS + minute * 60 * 10**9
        found = decision_log.find(tmp_path, "EURUSD", close_ns)
        assert decision_log.read(found).close_ns == close_ns
    assert decision_log.find(tmp_path, "EURUSD", NOON_NS + 200 * 60 * 10**9) is None
    assert decision_log.find(tmp_path / "none", "EURUSD", NOON_NS) is None
