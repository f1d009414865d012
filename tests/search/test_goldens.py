"""The trees in tests/goldens are reproduced node by node."""

import json
import runpy

import pytest

from folders import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "make_goldens.py"))


@pytest.mark.parametrize("case", SCRIPT["CASES"], ids=lambda case: case.name)
def test_golden_tree(case):
    golden = json.loads((ROOT / "tests" / "goldens" / f"{case.name}.json").read_text("utf-8"))
    tree = SCRIPT["tree_of"](case)
    assert len(tree) == len(golden)
    for node, wanted in zip(tree, golden, strict=True):
        assert node == pytest.approx(wanted, rel=1e-6)


def test_every_golden_has_its_case():
    stored = {path.stem for path in (ROOT / "tests" / "goldens").glob("*.json")}
    assert stored == {case.name for case in SCRIPT["CASES"]}
