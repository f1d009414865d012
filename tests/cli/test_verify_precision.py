"""A precision is measured on a run as an export is, and judged by bounds of its own."""

import json
from dataclasses import replace

import pytest

from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.agent.backend_choice import computed_precision
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.luck.paired_days import PairedDays
from mlx_muzero.experiment import precision_choice
from mlx_muzero.experiment.precision_figures import (
    FILE,
    PrecisionFigures,
    keep_figures,
    kept_figures,
)
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.beginning import SessionOptions, kept_settings, load_planner, new_settings
from mlx_muzero.paper.records.folder import PaperFolder

AT = utc_text(MONDAY_NS + 1000 * MINUTE_NS)
EQUAL = PrecisionFigures(
    precision="int8",
    searches=512,
    same=1.0,
    moving=0.4,
    value=0.01,
    drift=(),
    sessions=PairedDays(142, 10, 9, 0.1, -0.5, 0.7, 1.0),
    unit="pips",
)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_run_is_compared_with_itself_in_float32(cli, trained, precision):
    code, out, _ = cli("verify", trained, "--precision", precision, "--json")
    found = json.loads(out)
    assert found["precision"] == precision
    assert [drift["steps"] for drift in found["drift"]] == [1, 5, 50]
    assert all(0 < drift["latent_frac"] < 0.3 for drift in found["drift"])
    assert found["drift"][0]["reward"] < 0.05
    assert 0.9 <= found["same"] <= 1.0
    assert 0 < found["value"] < 1.0
    assert (code == 0) == (found["problems"] == [])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"same": 0.994}, "agree on 99.4%"),
        ({"moving": 0.1}, "verify a run that trades"),
        ({"sessions": PairedDays(142, 1, 9, -1.0, -2.1, 0.1, 1.0)}, "beyond float32's"),
        ({"sessions": PairedDays(1, 0, 0, 0.0, None, None, 1.0)}, "of a single session"),
    ],
)
def test_each_bound_can_be_missed(changes, problem):
    assert EQUAL.problems() == []
    (found,) = replace(EQUAL, **changes).problems()
    assert problem in found


def test_a_run_may_be_judged_in_another_precision(cli, trained):
    judged = ("evaluate", trained, "--split", "validation", "--sessions", "2", "--json")
    code, out, err = cli(*judged, "--precision", "int8")
    assert code == 0, err
    found = json.loads(out)
    assert (found["backend"], found["precision"]) == ("native", "int8")
    assert json.loads(cli(*judged)[1])["precision"] == "float32"
    code, out, _ = cli(*judged, "--backend", "mlx", "--precision", "int8")
    assert code == 3
    assert "add --backend native" in json.loads(out)["error"]["message"]


@pytest.fixture
def faster(monkeypatch):
    """Has int8 be so many times as fast as float32."""

    def pretend(times):
        speeds = {"float32": 1.0, "int8": times}
        monkeypatch.setattr(precision_choice, "precision_speeds", lambda *_: speeds)

    pretend(2.0)
    return pretend


def passed(run, **changes):
    """Keep that the run's best checkpoint passed in int8."""
    loaded = load_run(run, "best", None)
    keep_figures(loaded.folder, loaded.checkpoint, replace(EQUAL, **changes))
    return loaded


def played(run):
    told = []
    search = load_run(run, "best", None, tell=told.append, precision="auto").config.search
    return search.precision, told[-1]


def test_a_verification_is_kept_by_weights(trained):
    run = passed(trained)
    keep_figures(run.folder, run.checkpoint, replace(EQUAL, precision="bfloat16", same=0.5))
    found = kept_figures(run.folder, run.checkpoint)
    assert found["int8"] == EQUAL
    assert found["bfloat16"].problems()
    (weights,) = (run.folder.checkpoints.folder / run.checkpoint).glob("weights.*")
    weights.write_bytes(weights.read_bytes() + b" ")
    assert kept_figures(run.folder, run.checkpoint) == {}


@pytest.mark.parametrize("content", ["", "[]", '{"a": {"int8": {}}}', '{"a": 1}'])
def test_a_damaged_file_of_verifications_is_as_none(trained, content):
    run = passed(trained)
    (run.folder.path / FILE).write_text(content)
    assert kept_figures(run.folder, run.checkpoint) == {}


def test_auto_plays_the_fastest_precision_that_was_verified(trained, faster):
    precision, why = played(trained)
    assert precision == "float32"
    assert "mlx-muzero verify" in why
    passed(trained, same=0.9)
    assert played(trained)[0] == "float32"
    passed(trained)
    precision, why = played(trained)
    assert precision == "int8"
    assert why.startswith("precision int8: 2.00 times as fast here as float32")
    faster(1.05)
    precision, why = played(trained)
    assert precision == "float32"
    assert "not worth a change" in why


def test_auto_computes_training_targets_in_float32():
    for backend in ("native", "mlx", "auto"):
        search = SearchConfig(backend=backend, precision="auto")
        assert computed_precision(search) == "float32"


def test_an_evaluation_says_which_precision_auto_took(cli, trained, faster):
    passed(trained)
    judged = ("evaluate", trained, "--split", "validation", "--sessions", "2", "--json")
    code, out, err = cli(*judged, "--precision", "auto")
    assert code == 0, err
    assert json.loads(out)["precision"] == "int8"
    assert "precision int8: 2.00 times" in err


def test_a_tree_is_planned_in_the_precision_asked_for(cli, trained):
    values = {
        precision: json.loads(
            cli("tree", trained, "--at", AT, "--json", "--precision", precision)[1]
        )["value"]
        for precision in ("float32", "int8")
    }
    assert values["int8"] != values["float32"]
    assert values["int8"] == pytest.approx(values["float32"], abs=1.0)


def test_a_paper_session_keeps_the_precision_it_began_with(trained, db, faster, tmp_path):
    passed(trained)
    options = SessionOptions(
        *(trained, None, None, "best", None, None, db, None, None, None, ()), precision="auto"
    )
    begun = new_settings(options, print, print)
    assert begun.session.precision == "int8"
    folder = PaperFolder(tmp_path)
    folder.begin(begun)
    faster(1.0)  # what would be chosen now does not count
    assert kept_settings(folder, options) == begun
    planner = load_planner(folder.settings(), print).planner
    assert planner.precision == "int8"
    with pytest.raises(RunError, match="another --precision"):
        kept_settings(folder, replace(options, precision="float32"))
