"""`mlx-muzero tree`: one decision and the tree behind it."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.search.explain import folded, principal_variation
from mlx_muzero.search.result import TreeTable
from muzero_cli.display.tree import TreeDisplay

AT = utc_text(MONDAY_NS + 1000 * MINUTE_NS)


@pytest.fixture
def shown(trained, cli):
    """Runs the verb on the trained run; asserts that it worked and gives its output."""

    def show(*options):
        code, out, err = cli("tree", trained, "--at", AT, *options)
        assert (code, err) == (0, "")
        return out

    return show


def test_the_tree_its_line_and_the_outcomes(shown):
    out = shown("--simulations", "20", "--fold", "0.3")
    lines = out.splitlines()
    assert f"TEST at {AT} UTC, 20 simulations" in lines[0]
    assert lines[1].startswith("now  N 21  V ")
    assert any("folded: " in line for line in lines)
    (line,) = [line for line in lines if line.startswith("principal variation: ")]
    assert line.split(": ")[1].split(" > ")[1] in ("UP", "NEUTRAL", "DOWN")
    assert lines[-1].startswith("next bar after ")
    for part in ("in pips: UP ", "(above +", "NEUTRAL ", "DOWN ", "(below -"):
        assert part in lines[-1]
    assert len(shown("--simulations", "20", "--fold", "0").splitlines()) > len(lines)


def test_json_holds_the_whole_tree(shown):
    tree = json.loads(shown("--json"), parse_constant=lambda name: pytest.fail(f"{name}: no JSON"))
    nodes = tree["nodes"]
    assert nodes[0]["visits"] == sum(tree["visits"]) + 1
    assert tree["actions"][int(np.argmax(tree["visits"]))] == tree["action"]
    chance = [node for node in nodes if node["parent"] == 0]
    assert [node["visits"] for node in chance] == [n for n in tree["visits"] if n]
    path = tree["principal_variation"]
    assert [nodes[row]["parent"] for row in path] == [0, *path[:-1]]
    assert tree["threshold_pips"] > 0.0


def test_dot_is_a_graph_of_the_shown_nodes(shown):
    dot = shown("--dot", "--fold", "0").splitlines()
    nodes = json.loads(shown("--json"))["nodes"]
    assert dot[0] == "digraph search {"
    assert dot[-1] == "}"
    assert sum("shape=" in line for line in dot) == len(nodes)
    assert sum("->" in line for line in dot) == len(nodes) - 1


def test_the_decision_knows_nothing_after_its_bar(trained, cli, shown, tmp_path):
    early = tmp_path / "early.duckdb"
    with BarStore(early) as store:
        store.write(walk_bars(1001, symbol="GBPJPY"))
        store.write(walk_bars(1500, symbol="AUDJPY"))
    short, long = (shown("--json", "--db", early, "--pair", p) for p in ("GBPJPY", "AUDJPY"))
    decisions = [json.loads(out) for out in (short, long, shown("--json"))]
    assert [decision.pop("symbol") for decision in decisions] == ["GBPJPY", "AUDJPY", "TEST"]
    assert decisions[0] == decisions[1] == decisions[2]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2019-01-07T00:10", ["10 bars before it", "needs 126"]),
        ("2019-01-07T05:10:30", ["no bar of TEST", "05:10 and 2019-01-07 05:11"]),
        ("2020-01-01", ["no bar of TEST"]),
    ],
)
def test_a_bar_without_an_observation_is_one_line(trained, cli, at, words):
    code, out, err = cli("tree", trained, "--at", at)
    assert (code, out) == (4, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


def test_wrong_usage_is_2(trained, cli):
    assert cli("tree", trained, "--at", "yesterday")[0] == 2
    assert cli("tree", trained, "--at", AT, "--json", "--dot")[0] == 2
    assert cli("tree", "nowhere", "--at", AT)[0] == 5


def test_a_time_is_utc_unless_it_says_otherwise():
    assert utc_ns("2019-01-07") == utc_ns("2019-01-07 00:00Z") == MONDAY_NS
    assert utc_ns("2019-01-07T01:00+01:00") == MONDAY_NS
    with pytest.raises(ValueError, match="soon"):
        utc_ns("soon")


def table(parent, edge, visits):
    """A tree of which only the shape and the visits matter."""
    other = np.zeros(len(parent))
    shape = (np.array(parent), other, np.array(edge), other, np.array(visits))
    return TreeTable(other, *shape, *(other,) * 4)


def test_folding_keeps_branches_by_share_most_visited_first():
    tree = table([-1, 0, 0, 0, 2, 2, 4], [-1, 0, 1, 3, 0, 1, 2], [20, 5, 10, 4, 5, 4, 4])
    root = folded(tree, 0.25)
    assert [branch.row for branch in root.walk()] == [0, 2, 4, 1]
    assert root.folded == (3,)
    assert root.shown[0].folded == (5,)
    assert principal_variation(tree, 1) == [2, 4, 6]
    assert principal_variation(tree, 3) == [3]


def test_a_policy_that_was_never_asked_is_not_a_number():
    """Below the root, the search of a factored model asks none."""
    tree = SimpleNamespace(
        kind=[0, 1], visits=[2, 1], value=[0.5, 0.5], prior=[math.nan, math.nan], parent=[-1, 0]
    )
    plan = SimpleNamespace(decision=SimpleNamespace(tree=tree), name_of=lambda _row: "HOLD")
    label = TreeDisplay(Path("run"), plan)._label(1)
    assert "P -  Q +0.500" in label
