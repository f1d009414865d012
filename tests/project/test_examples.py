"""The examples run, and print what they promise."""

import json
from importlib import import_module

import pytest

from folders import ROOT
from mlx_muzero.config.schema import REWARDS
from mlx_muzero.evaluation.registered_baselines import BASELINES

EXAMPLES = ROOT / "examples"
SCRIPTS = {
    "own_data": ("600 bars inserted", "0 bars inserted", "EURUSD: 600 bars"),
    "decision_tree": ("16 episodes", "expected line:", "root"),
    "custom_reward": ("finished: True", "loaded: calm"),
    "custom_baseline": ("fade_large_moves", "agent (search)"),
    "compare_runs": ("seed-1 beyond seed-0:", "95 % interval"),
}

pytestmark = pytest.mark.filterwarnings("ignore::mlx_muzero.api.notes.MuZeroWarning")


def test_all_of_them_are_listed():
    scripts = {path.stem for path in EXAMPLES.glob("*.py")} - {"small_market"}
    assert scripts == SCRIPTS.keys()
    told = (EXAMPLES / "README.md").read_text()
    assert all(f"({name}.py)" in told for name in scripts)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_runs(name, monkeypatch, tmp_path, capsys):
    pytest.importorskip("pandas")
    monkeypatch.syspath_prepend(EXAMPLES)
    for registry in (REWARDS, BASELINES):
        monkeypatch.setattr(registry, "_registered", {})
    import_module(name).main(tmp_path)
    told = capsys.readouterr().out
    for part in SCRIPTS[name]:
        assert part in told


def test_the_notebook_is_kept_as_it_ran():
    """scripts/notebook runs it, here it is only read: every cell in order, nothing of a machine."""
    text = (EXAMPLES / "tour.ipynb").read_text()
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    for cell in cells:
        compile("".join(cell["source"]), "tour.ipynb", "exec")
    kinds = [output["output_type"] for cell in cells for output in cell["outputs"]]
    assert "error" not in kinds
    assert kinds.count("execute_result") >= 7
    assert not any(place in text for place in ("/tmp", "/home", "/Users", "stderr"))
