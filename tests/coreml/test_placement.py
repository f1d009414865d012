"""Placement, read from plans that are made up after coremltools' documentation."""

import sys
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import pytest

from fake_plans import FakePlan, cpu, gpu, neural_engine
from folders import HELPERS
from mlx_muzero.coreml.plans import PLAN_EXPORT, placement, plan_export
from mlx_muzero.errors import ExportError
from mlx_muzero.exports import placement as placing
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.placement import ProgramPlacement, placements
from mlx_muzero.processes.isolated_call import CallFailed, call_in_child
from model_exports import export_model
from subjects import small_subject

ENTRY = SimpleNamespace(key="recurrent_b32", function=None)

PLAN = FakePlan(
    main=[
        ("const", None, None),
        ("ios18.conv", neural_engine, 0.6),
        ("ios18.layer_norm", gpu, 0.3),
        ("ios16.reduce_mean", cpu, 0.1),
        ("ios18.const", None, None),
        ("ios18.cast", None, None),
    ]
)


def test_a_plan_is_read_by_the_names_of_its_devices():
    found = placement(PLAN, ENTRY, "CPU_AND_NE")
    assert (found.program, found.requested, found.failure) == ("recurrent_b32", "CPU_AND_NE", "")
    assert [(op.operation, op.preferred, op.cost) for op in found.operations] == [
        ("conv", "ANE", 0.6),
        ("layer_norm", "GPU", 0.3),
        ("reduce_mean", "CPU", 0.1),
        ("cast", None, None),
    ]
    assert found.operations[0].supported == ("CPU", "ANE")
    assert found.operations[0].output == "conv_1"


def test_a_constant_is_not_the_cpus_and_no_more_is_what_the_plan_leaves_out():
    found = placement(PLAN, ENTRY, "CPU_AND_NE")
    assert found.counts() == {"ANE": 1, "GPU": 1, "CPU": 1, "undetermined": 1}
    assert found.cost_share("ANE") == pytest.approx(0.6)
    assert found.cost_share("CPU") == pytest.approx(0.1)


def test_without_costs_there_is_no_share():
    found = placement(FakePlan(main=[("ios18.conv", neural_engine, None)]), ENTRY, "CPU_ONLY")
    assert found.cost_share("ANE") is None


def test_functions_are_told_apart_and_a_missing_one_is_named():
    plan = FakePlan(recurrent_b32=[("ios18.conv", cpu, 1.0)], recurrent_b64=[])
    joined = SimpleNamespace(key="recurrent_b32", function="recurrent_b32")
    assert len(placement(plan, joined, "CPU_ONLY").operations) == 1
    lost = placement(plan, ENTRY, "CPU_ONLY")
    assert lost.failure == "the plan has no function main; it has recurrent_b32, recurrent_b64"


def test_a_placement_survives_json():
    found = placement(PLAN, ENTRY, "CPU_AND_NE")
    assert ProgramPlacement.from_dict(asdict(found)) == found


class FakeTools:
    """The parts of coremltools that compile and plan."""

    class ComputeUnit(Enum):
        CPU_ONLY = 1
        CPU_AND_NE = 2

    def __init__(self):
        self.planned = planned = []

        class MLComputePlan:
            @classmethod
            def load_from_path(cls, path, compute_units):
                assert path.endswith(".mlmodelc")
                assert Path(path).is_dir()
                planned.append((path, compute_units.name))
                return PLAN

        def compile_model(model, destination_path=None):
            Path(destination_path).mkdir()

        self.models = SimpleNamespace(
            utils=SimpleNamespace(compile_model=compile_model),
            compute_plan=SimpleNamespace(MLComputePlan=MLComputePlan),
        )


@pytest.fixture
def export(small_config, tmp_path):
    return export_model(tmp_path / "export", small_config, small_subject(small_config).model)


def test_every_program_is_compiled_and_planned_for_the_units(export, monkeypatch):
    tools = FakeTools()
    monkeypatch.setattr("mlx_muzero.coreml.toolkit.ct", tools)
    monkeypatch.setattr(sys, "platform", "darwin")
    found = [ProgramPlacement.from_dict(values) for values in plan_export(str(export), "CPU_ONLY")]
    assert [plan.program for plan in found] == [e.key for e in Manifest.load(export).programs]
    assert {units for _, units in tools.planned} == {"CPU_ONLY"}
    assert all(plan.counts()["ANE"] == 1 for plan in found)


@pytest.mark.skipif(sys.platform == "darwin", reason="about other systems")
def test_elsewhere_the_other_process_says_that_it_needs_macos(export):
    found = placements(export, "CPU_AND_NE", PLAN_EXPORT)
    assert len(found) == len(Manifest.load(export).programs)
    assert all("need macOS" in plan.failure for plan in found)
    with pytest.raises(ExportError, match="need macOS"):
        plan_export(str(export), "CPU_AND_NE")


def test_a_planner_that_hangs_is_a_failure(export, monkeypatch):
    def hang(function, arguments, limit_s):
        raise CallFailed(f"no answer in {limit_s:g} s")

    monkeypatch.setattr(placing, "call_in_child", hang)
    found = placements(export, "CPU_ONLY", PLAN_EXPORT)
    assert {plan.failure for plan in found} == {"no answer in 300 s"}


def test_a_call_apart_returns_its_result():
    assert call_in_child("json:dumps", {"obj": [1, 2]}, 30.0) == "[1, 2]"


@pytest.mark.parametrize(
    ("function", "arguments", "limit_s", "reason"),
    [
        ("fake_plans:hang", {}, 0.5, "no answer in 0.5 s"),
        ("json:loads", {"s": "{"}, 30.0, "JSONDecodeError"),
        ("fake_plans:abort", {}, 30.0, "SIGABRT"),
        ("fake_plans:refuse", {}, 30.0, "this is refused"),
    ],
)
def test_a_call_apart_that_fails_says_why(function, arguments, limit_s, reason, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HELPERS))
    with pytest.raises(CallFailed, match=reason):
        call_in_child(function, arguments, limit_s)
