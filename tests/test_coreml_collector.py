"""Collecting beside learning, with programs that are exchanged while it goes on."""

import dataclasses
import threading
import time
from queue import SimpleQueue

import numpy as np
import pytest

from mlx_muzero.agent import Agent
from mlx_muzero.coreml.deployment import EngineEvent
from mlx_muzero.coreml.weights import weights_of
from mlx_muzero.errors import ConfigError, ExportError
from mlx_muzero.market.outcomes import OUTCOME_NAMES
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training import journal
from mlx_muzero.training.background_collector import BackgroundCollector
from mlx_muzero.training.collector import Collector
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model
from mlx_muzero.training.refresher import Refreshed
from runs import Heard, make_trainer


class ScriptedAgent(Agent):
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

    def begin(self, steps, weights):
        self.begun.append((steps, weights()))

    def take(self):
        if not self.done:
            return None
        if isinstance(self.done[0], Exception):
            raise self.done.pop(0)
        return self.done.pop(0)

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
        return kind(model, self.config.search, self.rules.table, len(OUTCOME_NAMES))

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
