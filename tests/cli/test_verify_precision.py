"""A precision is measured on a run as an export is, and judged by bounds of its own."""

import json
from dataclasses import replace

import pytest

from mlx_muzero.evaluation.luck.paired_days import PairedDays
from mlx_muzero.experiment.precisions import PrecisionFigures

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
