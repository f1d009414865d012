"""Plays rounds in a thread, one ahead of learning, with exported weights.

The weights that play are older than those being learned, by one round plus the age of their export.
How much older depends on timing.
"""

from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Protocol

import mlx.core as mx
import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.config.schema import Config
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.exports.program import PLAYS
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.collector import Collector, Round
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.player import Player
from mlx_muzero.training.refresher import Refreshed, Weights, drained
from mlx_muzero.training.round_under_way import RoundUnderWay
from mlx_muzero.types import Advance


class AgentRefresher(Protocol):
    """The interface of a `Refresher`, which provides newer agents."""

    events: SimpleQueue[EngineEvent]

    def begin(self, steps: int, weights: Callable[[], Weights]) -> None:
        """Start a refresh with the weights after `steps` training steps, if one is due."""

    def take(self) -> Refreshed | None:
        """Return the last refresh once it is done."""

    def close(self) -> None:
        """Abandon the refresh in progress."""


class BackgroundCollector:
    """Plays with the newest export, or with `search.backend` while there is no playable export.

    Rounds are played in another thread; all methods are called from the trainer's.
    """

    def __init__(
        self,
        config: Config,
        rules: TradingRules,
        collector: Collector,
        learner: Learner,
        refresher: AgentRefresher,
    ) -> None:
        self._collector = collector
        self._learner = learner
        self._refresher = refresher
        self._exported: Refreshed | None = None
        self._stand_in = Player(config, rules)
        self._events = refresher.events
        self._under_way = RoundUnderWay()

    def collect(self, first_episode: int, tick: Advance) -> Round:
        """Return the round that begins with `first_episode`, and start the next one at once.

        Args:
            first_episode: where the last round ended.
            tick: receives the decisions made during the wait; an exception it raises ends the wait.
        """
        if not self._under_way.begun:
            self._begin(first_episode)
        played = self._under_way.wait(tick)
        following = first_episode + len(played.episodes)
        if self._collector.round_size(following):
            self._begin(following)
        return played

    def learned(self) -> None:
        """Start a refresh if the last training step made one due; returns at once."""
        self._refresher.begin(self._learner.steps, self._weights)

    def events(self) -> Iterator[EngineEvent]:
        """Yield what happened to the playing programs since the last call."""
        yield from drained(self._events)
        if self._exported is not None:
            yield from drained(self._exported.events)

    def close(self) -> None:
        """Abandon the work in progress and end its processes."""
        self._refresher.close()
        self._under_way.close()
        if self._exported is not None:
            self._exported.agent.close()

    def _begin(self, first_episode: int) -> None:
        """Start playing the round that begins with `first_episode`; no other may be in progress."""
        agent, steps = self._player()
        count = self._collector.round_size(first_episode)
        play = self._collector.play_round
        self._under_way.begin(partial(play, agent, steps, first_episode, count))

    def _player(self) -> tuple[Agent, int]:
        """Return the agent that plays the next round, and the training steps of its weights."""
        self._swap()
        self.learned()  # otherwise the first export would wait for the first training step
        exported = self._exported
        if exported is not None and exported.agent.backend in PLAYS:
            return exported.agent, exported.steps
        self._stand_in.take({name: mx.array(array) for name, array in self._weights().items()})
        return self._stand_in.agent, self._learner.steps

    def _swap(self) -> None:
        """Switch to the last refresh, if it is done."""
        refreshed = self._refresher.take()
        if refreshed is None:
            return
        for event in tuple(self.events()):  # including the previous agent's last events
            self._events.put(event)
        if self._exported is not None:
            self._exported.agent.close()
        self._exported = refreshed
        reason = f"exported the weights of training step {refreshed.steps}"
        self._events.put(EngineEvent("engine_refreshed", reason, refreshed.agent.backend))

    def _weights(self) -> Weights:
        weights = self._learner.playing_weights()
        mx.eval(weights)
        return {name: np.array(array) for name, array in weights.items()}
