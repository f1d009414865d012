"""When exports are refreshed, and what becomes of those that fail or that nobody plays."""

import dataclasses
from types import SimpleNamespace

import pytest

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.exports.weights import sizes_of, weights_of
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training import refresher as refreshing
from mlx_muzero.training.models import build_model
from mlx_muzero.training.refresher import Refresher

EVERY = 10


class FakeAgent:
    """An agent that remembers whether it was closed; `lost` says why it cannot play."""

    lost = ""

    def __init__(self, model, search, table, outcomes, deployment):
        self.backend, self.closed = search.backend, False
        self.weights = weights_of(model)
        if self.lost:
            deployment.report(EngineEvent("engine_lost", self.lost, "native"))
            self.backend = "native"

    def close(self):
        self.closed = True


class Stage:
    """A refresher whose exports are empty folders, and what happened to them."""

    def __init__(self, config, dataset, folder):
        self.folder, self.exported, self.failure = folder, [], None
        rules = TradingRules.from_config(config)
        self.model = build_model(config, rules.table)
        self.refresher = Refresher(config, "coreml-sim", dataset, rules, folder)

    def export(self, weights, config, target, rows, samples, cancelled, export_format):
        assert export_format == "coreml"
        if self.failure is not None:
            raise self.failure
        self.exported.append((target.name, rows))
        target.mkdir(parents=True)
        return SimpleNamespace(sizes=sizes_of(self.model))

    def begin(self, steps):
        """Whether a refresh began, which is done by now."""
        before = self.refresher._under_way
        self.refresher.begin(steps, lambda: weights_of(self.model))
        under_way = self.refresher._under_way
        if under_way is None or under_way is before:
            return False
        under_way.exception()
        return True

    def events(self):
        return [(e.event, e.reason) for e in refreshing.drained(self.refresher.events)]


@pytest.fixture
def stage(small_config, small_dataset, tmp_path, monkeypatch):
    collect = dataclasses.replace(small_config.collect, refresh_steps=EVERY, envs=33)
    config = dataclasses.replace(small_config, collect=collect)
    staged = Stage(config, small_dataset, tmp_path / "collector")
    monkeypatch.setattr(refreshing, "export_in_child", staged.export)
    monkeypatch.setattr(refreshing, "MuZeroAgent", FakeAgent)
    return staged


def test_a_refresh_is_due_at_once_and_then_every_so_many_steps(stage):
    assert [steps for steps in range(35) if stage.begin(steps)] == [0, 10, 20, 30]
    assert stage.refresher.take().steps == 30


def test_programs_hold_all_leaves_in_whole_lanes(stage):
    stage.begin(0)
    assert stage.exported == [("step-0", 64)]


def test_what_is_taken_is_kept_and_the_newest_is_taken(stage):
    stage.begin(0)
    first = stage.refresher.take()
    assert stage.refresher.take() is None
    stage.begin(10)
    unused = stage.refresher._under_way.result()
    stage.begin(20)
    assert {path.name for path in stage.folder.iterdir()} == {"step-0", "step-10", "step-20"}
    last = stage.refresher.take()
    assert last.steps == 20
    assert [r.agent.closed for r in (first, unused, last)] == [False, True, False]
    stage.begin(30)
    assert {path.name for path in stage.folder.iterdir()} == {"step-20", "step-30"}
    left = stage.refresher._under_way.result()
    stage.refresher.close()
    assert [r.agent.closed for r in (last, left)] == [False, True]  # who took it closes it
    assert not stage.folder.exists()


@pytest.mark.parametrize("kind", [ExportError, OSError])
def test_a_failure_is_an_event_and_the_next_one_is_tried_when_it_is_due(stage, kind):
    stage.failure = kind("something broke")
    assert stage.begin(0)
    assert stage.refresher.take() is None
    assert stage.events() == [("engine_refresh_failed", "something broke")]
    stage.failure = None
    assert not stage.begin(9)
    assert stage.begin(10)
    assert stage.refresher.take().steps == 10


def test_an_export_that_does_not_run_here_is_a_failed_refresh(stage, monkeypatch):
    monkeypatch.setattr(FakeAgent, "lost", "self-test: no")
    stage.begin(0)
    assert stage.refresher.take() is None
    assert stage.events() == [("engine_refresh_failed", "self-test: no")]


def test_a_mistake_in_the_program_is_no_failed_refresh(stage):
    stage.failure = TypeError("a bug")
    stage.begin(0)
    with pytest.raises(TypeError):
        stage.refresher.take()
