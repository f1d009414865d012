"""Measuring a target: every cell filled, in this process and in one that may fail."""

import dataclasses
import json
import sys
from dataclasses import asdict, replace
from itertools import product
from typing import get_args

import mlx.core as mx
import numpy as np
import pytest

from factored_models import factored_config
from folders import HELPERS
from mlx_muzero import _core, kernel_choice
from mlx_muzero.config.choices import Precision
from mlx_muzero.errors import ConfigError, EngineLost
from mlx_muzero.exports.deployment import COMPUTE_UNITS_VARIABLE
from mlx_muzero.profiling import measure as measuring
from mlx_muzero.profiling.figures import BackendProfile
from mlx_muzero.profiling.leaves import some_leaves
from mlx_muzero.profiling.measure import Effort, measure, measure_in_child
from mlx_muzero.profiling.targets import Target, targets
from mlx_muzero.search import Leaves
from model_exports import LOADER, break_programs, export_model
from subjects import small_subject

SHORT = Effort(seconds=0.0, batches=(1, 3), pairs=(2,), simulations=(0, 4), energy_s=0.1)


@pytest.fixture
def subject(small_config):
    return small_subject(small_config)


@pytest.fixture
def exported(small_config, tmp_path, monkeypatch):
    """A subject whose exported programs are the model itself."""
    monkeypatch.setenv("PYTHONPATH", str(HELPERS))
    subject = small_subject(small_config, tmp_path / "export", loader=LOADER)
    export_model(tmp_path / "export", small_config, subject.model)
    return subject


@pytest.fixture
def factored(small_config, tmp_path, monkeypatch):
    """The same of a factored model."""
    monkeypatch.setenv("PYTHONPATH", str(HELPERS))
    config = factored_config(small_config)
    subject = small_subject(config, tmp_path / "export", loader=LOADER)
    export_model(tmp_path / "export", config, subject.model)
    return subject


def assert_complete(found):
    assert not found.failure
    assert [call.leaves for call in found.calls] == list(SHORT.batches)
    assert [(s.pairs, s.simulations) for s in found.steps] == [(2, 0), (2, 4)]
    for call in found.calls:
        assert 0 < call.p50_ms <= call.p90_ms <= call.p99_ms
        assert call.first_ms > 0
        assert call.leaves_per_s == pytest.approx(1e3 * call.leaves / call.p50_ms)
    inference, search = found.steps
    assert inference.leaves_per_s == 0
    assert search.leaves_per_s > 0
    assert search.decisions_per_s == pytest.approx(2e3 / search.p50_ms)


@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
@pytest.mark.parametrize("target", [Target("native"), Target("mlx", "cpu")], ids=lambda t: t.name)
def test_every_cell_is_measured(subject, target, expansion):
    search = dataclasses.replace(subject.config.search, expansion=expansion)
    subject = replace(subject, config=dataclasses.replace(subject.config, search=search))
    found = measure(subject, target, SHORT)
    assert_complete(found)
    reacted = [(step.pairs, step.simulations) for step in found.reactive]
    assert reacted == ([(2, 0)] if target.backend == "mlx" else [])
    timed = [each.precision for each in found.precisions]
    assert timed == (list(get_args(Precision)) if target.backend == "native" else [])
    assert all(each.p50_ms > 0 < each.over_float32 for each in found.precisions)


@pytest.mark.skipif(len(_core.kernels()) < 2, reason="needs two sets of kernels")
def test_kernels_take_turns_where_no_order_is_known(subject, monkeypatch):
    names = (_core.kernels()[-1], _core.kernels()[0])  # the default may be the slower
    monkeypatch.setattr(measuring, "contenders", lambda: names)
    monkeypatch.setattr(kernel_choice, "contenders", lambda: names)
    search = replace(subject.config.search, precision="bfloat16")
    subject = replace(subject, config=replace(subject.config, search=search))
    used, load = [], measuring.player

    def player(subject, backend, precision=None):
        used.append((precision, kernel_choice.kernels_here().name))
        return load(subject, backend, precision)

    monkeypatch.setattr(measuring, "player", player)
    found = measure(subject, Target("native"), SHORT)
    timed = {(each.precision, each.kernels): each for each in found.kernels}
    assert list(timed) == list(product(get_args(Precision), names)) == used[:-1]
    assert all(each.p50_ms > 0 < each.over_default for each in found.kernels)
    fastest = {}
    for times in found.precisions:
        in_it = {name: timed[times.precision, name] for name in names}
        assert in_it[names[0]].over_default == 1.0
        rates = {name: 1.0 / each.p50_ms for name, each in in_it.items()}
        fastest[times.precision] = kernel_choice.kernels_to_use(rates).name
        assert times.p50_ms == in_it[fastest[times.precision]].p50_ms
    assert used[-1] == (None, fastest["bfloat16"])  # which everything else is measured with
    assert BackendProfile.from_dict(json.loads(json.dumps(asdict(found)))) == found


@pytest.mark.parametrize("planner", ["expectimax", "sampling"])
@pytest.mark.parametrize(
    "target", [Target("native"), Target("mlx", "cpu"), Target("coreml-sim")], ids=lambda t: t.name
)
def test_every_cell_is_measured_of_a_factored_model(factored, target, planner):
    search = replace(factored.config.search, planner=planner)
    subject = replace(factored, config=replace(factored.config, search=search))
    assert subject.expansion == "market states"
    assert_complete(measure(subject, target, SHORT))


def test_a_factored_models_programs_that_fail_are_no_other_backends_figures(factored):
    break_programs(factored.exports["coreml"], "fail", after=40)
    with pytest.raises(EngineLost, match="the engine says no"):
        measure(factored, Target("coreml-sim"), SHORT)


@pytest.mark.slow
def test_core_ml_is_measured_in_its_child(exported):
    assert_complete(measure(exported, Target("coreml-sim"), SHORT))
    assert_complete(measure(exported, Target("coreml", units="CPU_ONLY"), SHORT))


@pytest.mark.slow
def test_a_process_of_its_own_gives_figures_and_its_memory(exported):
    found = measure_in_child(exported, Target("coreml", units="CPU_ONLY"), SHORT)
    assert_complete(found)
    assert found.target == "coreml CPU_ONLY"
    assert 20 < found.memory_mb < 5000
    assert BackendProfile.from_dict(json.loads(json.dumps(asdict(found)))) == found


@pytest.mark.slow
def test_programs_that_fail_are_a_failure_with_its_reason(exported):
    break_programs(exported.exports["coreml"], "nan", after=0)
    found = measure_in_child(exported, Target("coreml-sim"), SHORT)
    assert "NaN" in found.failure
    assert not found.calls


@pytest.mark.parametrize("kind", ["exported", "factored"])
def test_what_is_saved_comes_back(request, kind, tmp_path):
    exported = request.getfixturevalue(kind)
    folder = tmp_path / "saved"
    folder.mkdir()
    exported.save(folder)
    loaded = type(exported).load(folder)
    assert (loaded.config, loaded.exports) == (exported.config, exported.exports)
    assert loaded.loader == LOADER
    observation = mx.ones((2, exported.model.window_bars, exported.model.features))
    np.testing.assert_array_equal(
        np.array(loaded.model.representation(observation)),
        np.array(exported.model.representation(observation)),
    )


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("expansion", ["all_outcomes", "single_outcome"])
def test_made_up_leaves_are_as_many_as_asked_for(subject, expansion, count):
    leaves = some_leaves(subject.model, expansion, count)
    slots = leaves.slot.ravel()
    assert len(set(slots)) == len(slots)
    assert slots.min() >= count
    assert slots.max() < count * (1 + subject.model.outcomes)
    if isinstance(leaves, Leaves):
        assert len(leaves.parent) == count
        assert slots.size == count * subject.model.outcomes
    else:
        assert len(leaves.parent) + len(leaves.chance_parent) == count


def names(*exported):
    return [target.name for target in targets(exported)]


def test_targets_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    without = names()
    assert without[:2] == ["native", "mlx-cpu"]
    assert names("coreml") == [*without, "coreml-sim"]


def test_targets_on_a_mac(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(mx, "default_device", lambda: mx.Device(mx.gpu))
    monkeypatch.delenv(COMPUTE_UNITS_VARIABLE, raising=False)
    assert names() == ["native", "mlx-cpu", "mlx-gpu"]
    units = ["coreml CPU_ONLY", "coreml CPU_AND_GPU", "coreml CPU_AND_NE", "coreml-sim"]
    assert names("coreml")[3:] == units


def test_the_environment_says_which_units_are_tried(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "CPU_ONLY")
    assert [name for name in names("coreml") if "CPU" in name] == ["coreml CPU_ONLY"]
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "ALL")
    with pytest.raises(ConfigError, match="ALL"):
        targets(["coreml"])
