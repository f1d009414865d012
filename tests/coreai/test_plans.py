"""Core AI's plans: read from what Apple's runtime tells here, and from what a Mac's would."""

import json

import pytest

from exports import passed, run_config, trading_model
from mlx_muzero.coreai.plans import PLAN_EXPORT, placement
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.export import export
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.placement import placements
from mlx_muzero.exports.weights import weights_of


def text(value):
    return {"string": {"_0": value}}


def kernel(name, *numbers, **facts):
    """An entry for a kernel that computes operations with these numbers."""
    told = [
        {
            "key": "op_id",
            "value": {
                "dictionary": {"_0": {"type": text("coreai"), "value": {"integer": {"_0": n}}}}
            },
        }
        for n in numbers
    ]
    told += [{"key": key, "value": text(value)} for key, value in facts.items()]
    return {"name": name, "metadatas": told}


def infos(**records):
    return json.dumps([{"identifier": k, "operations": v} for k, v in records.items()]).encode()


REASON = "Incompatible element type for ANE: expected fp16"


def test_a_delegate_names_the_unit_and_the_interpreter_keeps_the_rest():
    found = placement(
        infos(
            MPSGraph_optimized_op_id=[
                kernel("mps_conv_7", 1, 2, residency="ANE"),
                kernel("mps_softmax_8", 3, residency="GPU", ane_validation_message=REASON),
                kernel("mps_fused_9", 4),
            ],
            odix_op_id=[
                kernel("odix_1", 1, 2, 3, 4, 5),
                {"name": "odix_2", "metadatas": [{"key": "symbol", "value": {"unit": {}}}]},
            ],
            BNNS_op_id=[kernel("bnns_3", 6)],
        ),
        "programs.aimodel",
        "neural_engine",
    )
    by_number = {op.output: (op.operation, op.preferred) for op in found.operations}
    assert by_number == {
        "operation 1": ("mps_conv", "ANE"),
        "operation 2": ("mps_conv", "ANE"),
        "operation 3": ("mps_softmax", "GPU"),
        "operation 4": ("odix", "CPU"),
        "operation 5": ("odix", "CPU"),
        "operation 6": ("bnns", "CPU"),
    }
    assert found.counts() == {"ANE": 2, "GPU": 1, "CPU": 3}
    assert found.refusals() == {REASON: 1}


def test_a_part_that_is_not_known_is_undetermined():
    found = placement(infos(odix_op_id=[kernel("odix_1", 1)], XYZ=[kernel("x_1", 1)]), "a", "gpu")
    assert found.counts() == {"undetermined": 1}


@pytest.mark.parametrize("told", [b"", b"{}", b'[{"identifier": "mps"}]', b"[3]", b"null"])
def test_another_form_is_a_failure_and_no_guess(told):
    with pytest.raises(ExportError, match="another form"):
        placement(told, "a", "gpu")


@pytest.mark.slow
@pytest.mark.skipif(why_not_installed("coreai") is not None, reason="needs coreai-core")
def test_apples_runtime_here_plans_all_for_the_cpu(tmp_path):
    model = trading_model()
    folder = tmp_path / "export"
    options = ExportOptions((2,))
    export(
        weights_of(model), run_config(model), "m", folder, passed, options, export_format="coreai"
    )
    (plan,) = placements(folder, "cpu_only", PLAN_EXPORT)
    assert not plan.failure
    assert set(plan.counts()) == {"CPU"}
    assert len(plan.operations) > 100
    (refused, *_) = placements(folder, "neural_engine", PLAN_EXPORT)
    assert "macOS 27" in refused.failure
