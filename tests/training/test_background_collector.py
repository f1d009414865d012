"""Collecting beside learning, with programs that are exchanged while it goes on."""

import dataclasses
import io
import os
import signal
import threading
import time
from queue import SimpleQueue

import numpy as np
import pytest

from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.errors import ConfigError
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.runlog import journal
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.background_collector import BackgroundCollector
from mlx_muzero.training.collector import Collector
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model
from mlx_muzero.training.refresher import Refreshed, Refresher
from muzero_cli.display.terminal import TerminalConsole
from muzero_cli.display.training import TrainingDisplay
from runs import Heard, make_trainer

NO_CORE_AI = why_not_installed("coreai")


class ScriptedAgent(MuZeroAgent):
    """The native agent, said to be another backend until it is lost."""

    lost = False
    gate = None

    @property
    def backend(self):
        return "native" if self.lost else "coreml-sim"

    def plan(self, *arguments, **options):
        if self.gate is not None:
            self.gate.wait(10.0)
        return super().plan(*arguments, **options)


class ScriptedRefresher:
    """Gives out what a test puts into `done`; keeps what was begun."""

    def __init__(self):
        self.begun, self.done, self.closed = [], [], False
        self.events = SimpleQueue()

    def begin(self, steps, weights):
        self.begun.append((steps, weights()))

    def take(self):
        return self.done.pop(0) if self.done else None

    def close(self):
        self.closed = True


class Stage:
    """A background collector and all it works with."""

    def __init__(self, config, dataset):
        self.config = config
        self.rules = TradingRules.from_config(config)
        self.learner = Learner(build_model(config, self.rules.table), config.train)
        self.refresher = ScriptedRefresher()
        self.collector = Collector(config, dataset, self.rules)
        self.background = BackgroundCollector(
            config, self.rules, self.collector, self.learner, self.refresher
        )
        self._first = 0

    def agent(self, kind=ScriptedAgent):
        model = build_model(self.config, self.rules.table)
        return kind(model, self.config.search, self.rules.states, len(OUTCOME_NAMES))

    def refreshed(self, steps, path, agent=None):
        return Refreshed(agent or self.agent(), steps, SimpleQueue(), path)

    def next_round(self):
        played = self.background.collect(self._first, lambda _decisions: None)
        self._first += len(played.episodes)
        return played.backend, played.weights_steps

    def events(self):
        return [(event.event, event.reason) for event in self.background.events()]


@pytest.fixture
def stage(small_config, small_dataset):
    train = dataclasses.replace(small_config.train, episodes=1000)
    staged = Stage(dataclasses.replace(small_config, train=train), small_dataset)
    yield staged
    staged.background.close()
    assert staged.refresher.closed


def test_a_stand_in_plays_with_what_is_learned_until_there_is_an_export(stage, tmp_path):
    assert stage.next_round() == ("native", 0)
    stage.learner.steps = 40
    # The next round was begun before that.
    assert stage.next_round() == ("native", 0)
    assert stage.next_round() == ("native", 40)
    stage.refresher.done.append(stage.refreshed(32, tmp_path))
    assert [stage.next_round() for _ in range(3)] == [
        ("native", 40),
        ("coreml-sim", 32),
        ("coreml-sim", 32),
    ]
    assert stage.events() == [("engine_refreshed", "exported the weights of training step 32")]


def test_refreshes_are_offered_the_weights_that_play(stage):
    stage.next_round()
    (steps, weights), _ = stage.refresher.begun
    assert steps == 0
    playing = stage.learner.playing_weights()
    assert weights.keys() == playing.keys() == weights_of(stage.learner.model).keys()
    for name, array in playing.items():
        np.testing.assert_array_equal(weights[name], np.array(array))


def test_without_a_newer_export_the_former_one_plays_on(stage, tmp_path):
    stage.refresher.done.append(stage.refreshed(8, tmp_path))
    stage.next_round()
    stage.refresher.events.put(EngineEvent("engine_refresh_failed", "something broke"))
    stage.learner.steps = 100
    assert [stage.next_round() for _ in range(3)] == [("coreml-sim", 8)] * 3
    assert [event for event, _ in stage.events()] == ["engine_refreshed", "engine_refresh_failed"]


def test_a_lost_engine_is_stood_in_for_until_the_next_refresh(stage, tmp_path):
    agent = stage.agent()
    agent.lost = False
    first = stage.refreshed(8, tmp_path, agent)
    stage.refresher.done.append(first)
    assert stage.next_round() == ("coreml-sim", 8)
    agent.lost = True
    first.events.put(EngineEvent("engine_lost", "it died", "native"))
    stage.learner.steps = 30
    played = [stage.next_round() for _ in range(3)]
    assert played[1:] == [("native", 30)] * 2
    stage.refresher.done.append(stage.refreshed(24, tmp_path))
    stage.next_round()
    assert stage.next_round() == ("coreml-sim", 24)
    assert [event for event, _ in stage.events()] == [
        "engine_refreshed",
        "engine_lost",
        "engine_refreshed",
    ]


def test_the_trainer_waits_for_a_round_only_when_it_asks_for_it(stage, tmp_path):
    agent = stage.agent()
    agent.gate = threading.Event()
    stage.next_round()
    stage.refresher.done.append(stage.refreshed(8, tmp_path, agent))
    stage.next_round()  # and the round that is begun cannot end
    ticks = []

    def tick(decisions):
        ticks.append(decisions)
        if len(ticks) == 2:
            agent.gate.set()

    played = stage.background.collect(2 * stage.config.collect.envs, tick)
    assert played.backend == "coreml-sim"
    assert ticks[:2] == [0, 0]


def test_closing_abandons_the_round_under_way(stage, tmp_path):
    agent = stage.agent()
    agent.gate = threading.Event()
    stage.refresher.done.append(stage.refreshed(8, tmp_path, agent))
    threading.Timer(0.2, agent.gate.set).start()

    class Stopped(Exception):
        pass

    def stop(decisions):
        raise Stopped

    with pytest.raises(Stopped):
        stage.background.collect(0, stop)
    stage.background.close()
    assert stage.background._under_way._round.done()
    assert stage.background._under_way._round.exception() is not None


def of_kind(events, kind):
    return [event for event in events if event["event"] == kind]


@pytest.fixture
def exporting_config(small_config):
    """Programs of a few microseconds, refreshed as often as can be."""
    return dataclasses.replace(
        small_config,
        collect=dataclasses.replace(small_config.collect, backend="coreml-sim", refresh_steps=4),
        train=dataclasses.replace(
            small_config.train, episodes=100_000, validate_interval=1000, checkpoint_interval=1000
        ),
    )


class Until:
    """A `stop` that says yes when a condition on the journal holds; or fails in the end."""

    def __init__(self, path, holds, limit_s=90.0):
        self._journal, self._holds = path / "journal.jsonl", holds
        self._deadline = time.monotonic() + limit_s

    def __call__(self):
        assert time.monotonic() < self._deadline
        time.sleep(0.05)  # leaves the processor to the exporter
        return self._journal.exists() and self._holds(list(journal.read(self._journal)))


@pytest.mark.parametrize(
    ("backend", "name", "value", "remedy"),
    [
        ("coreml", "coreml.format.sys.platform", "linux", '"coreml-sim" runs the same programs'),
        (
            "coreml-sim",
            "coreml.format.find_spec",
            lambda _: None,
            r"'mlx-muzero\[coreml\]'",
        ),
        pytest.param(
            *("coreai", "coreai.format.has_devices", lambda: False, '"coreai-cpu" runs the same'),
            marks=pytest.mark.skipif(bool(NO_CORE_AI), reason=str(NO_CORE_AI)),
        ),
    ],
)
def test_a_machine_that_cannot_says_so_at_once(
    small_config, small_dataset, tmp_path, monkeypatch, backend, name, value, remedy
):
    monkeypatch.setattr(f"mlx_muzero.{name}", value)
    rules = TradingRules.from_config(small_config)
    with pytest.raises(ConfigError, match=f'collect.backend: "{backend}".*{remedy}'):
        Refresher(small_config, backend, small_dataset, rules, tmp_path)


@pytest.mark.slow
def test_a_run_plays_exports_of_what_it_learns(tmp_path, exporting_config, small_dataset):
    """With the exporter, the interpreter and all their processes, one of which is killed."""
    heard, pids = Heard(), set()

    def survived_a_killed_child(events):
        exported = trainer.phase.background._exported
        restarts = of_kind(events, "engine_restarted")
        if exported is not None:
            pid = exported.agent._evaluator.supervisor.child.pid
            if pid not in pids and not restarts:
                os.kill(pid, signal.SIGKILL)
            pids.add(pid)
        last = of_kind(events, "collected")[-1:]
        return bool(restarts) and last[0]["backend"] == "coreml-sim"

    stop = Until(tmp_path, survived_a_killed_child)
    trainer = make_trainer(tmp_path, exporting_config, small_dataset, stop, heard)
    assert not trainer.run()
    events = list(journal.read(trainer.folder.journal_path))
    assert of_kind(events, "engine_refresh_failed") == of_kind(events, "engine_lost") == []
    assert of_kind(events, "engine_restarted")[0]["reason"] == "it ended by SIGKILL"
    refreshed = of_kind(events, "engine_refreshed")
    assert refreshed[0]["reason"] == "exported the weights of training step 0"
    assert {"engine_refreshed", "engine_restarted"} <= set(heard.events)
    rounds = of_kind(events, "collected")
    assert (rounds[0]["backend"], rounds[0]["weights_steps"]) == ("native", 0)
    assert trainer.counters.steps > 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not trainer.folder.collector_path.exists()
    resumed = make_trainer(tmp_path, exporting_config, small_dataset, lambda: True)
    assert not resumed.run()
    assert resumed.counters.episodes == trainer.counters.episodes


def test_the_display_says_what_happened():
    console = TerminalConsole(file=io.StringIO(), width=200)
    display = TrainingDisplay(console, ("HOLD",), None)
    display.engine_changed(EngineEvent("engine_lost", "it died [9]", "native"))
    assert console.file.getvalue() == "engine lost: it died [9]; continuing with native\n"
