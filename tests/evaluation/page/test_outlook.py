"""Cones on a page are those of the one definition, as deep as the tree."""

from dataclasses import replace

import numpy as np
import pytest

from mlx_muzero.evaluation.page.outlook import cones_of
from mlx_muzero.market.observation.outcome_cone import chances_ahead, cone
from mlx_muzero.runlog.decision_log import CHANCE
from pages import contents_of, sample_page


@pytest.fixture
def page():
    return sample_page(trees=3)


def test_a_tree_gives_as_many_bars_as_it_reaches_and_none_gives_one(page):
    decisions = page.decisions
    cones = list(cones_of(decisions))
    for at, tree in decisions.trees.items():
        known = decisions.taken[at], decisions.chances[at].tolist()
        assert cones[at] == cone(chances_ahead(tree.columns, *known, CHANCE), 0.5)
    assert max(map(len, cones[:3])) > 1
    assert [len(each) for each in cones[3:]] == [1] * (len(decisions) - 3)


def test_unknown_outcomes_and_thresholds_have_no_cone(page):
    chances = page.decisions.chances.copy()
    chances[4] = np.nan
    threshold = page.decisions.threshold.copy()
    threshold[[5, 6]] = np.nan, 0.0
    cones = list(cones_of(replace(page.decisions, chances=chances, threshold=threshold)))
    assert [len(each) for each in cones[3:8]] == [1, 0, 0, 0, 1]


def test_the_page_holds_the_cone_of_each_decision_and_what_came(page):
    facts = contents_of(page)["decisions"]["cones"]
    cones = list(cones_of(page.decisions))
    assert facts["length"].tolist() == [len(each) for each in cones]
    bars = [bar for each in cones for bar in each]
    np.testing.assert_allclose(facts["mean"], [bar.mean for bar in bars], rtol=1e-6)
    np.testing.assert_allclose(facts["deviation"], [bar.deviation for bar in bars], rtol=1e-6)
    first = np.cumsum([0, *facts["length"][:-1]])
    np.testing.assert_array_equal(facts["came"][first], page.decisions.moved)
    tree = next(iter(page.decisions.trees.values()))
    np.testing.assert_allclose(
        facts["came"][: len(cones[0])], tree.moves[: len(cones[0])], rtol=1e-6
    )
