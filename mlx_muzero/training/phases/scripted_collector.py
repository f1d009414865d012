"""Plays episodes with scripted policies, from which the phases before the search learn."""

import time
from collections.abc import Sequence

import numpy as np

from mlx_muzero.config.choices import Behavior
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.returns import discounted_returns
from mlx_muzero.training.collector import (
    Choice,
    Round,
    draw_starts,
    empty_episodes,
    play_sessions,
)
from mlx_muzero.training.phases.behaviors import behavior
from mlx_muzero.training.replay import Episodes
from mlx_muzero.types import I64, Advance


class ScriptedCollector:
    """Plays training sessions, taking turns between scripted policies.

    Of N policies, number e modulo N plays episode e. The value of a step is the discounted return
    that followed, and its policy target is the action taken.
    """

    def __init__(
        self, config: Config, dataset: MarketDataset, rules: TradingRules, names: Sequence[Behavior]
    ) -> None:
        self._config = config
        self._dataset = dataset
        self._rules = rules
        self._starts = dataset.training_starts()
        self._policies = [behavior(name, config.train.seed) for name in names]

    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round:
        """Play `count` episodes of the run from `first_episode` on, on training sessions."""
        began = time.perf_counter()
        episode = np.arange(first_episode, first_episode + count, dtype=np.int64)
        starts = draw_starts(self._starts, self._config.train.seed, episode)
        episodes = self.play(starts, episode, tick)
        return Round(episodes, time.perf_counter() - began, "scripted", weights_steps=0)

    def play(self, starts: I64, episode: I64, tick: Advance) -> Episodes:
        """Play the sessions at `starts` ``i64[E]`` as the episodes `episode` ``i64[E]``."""
        played = empty_episodes(starts, self._dataset, self._rules)
        for index, policy in enumerate(self._policies):
            rows = np.flatnonzero(episode % len(self._policies) == index)
            if not len(rows):
                continue
            part = self._play_by(policy, starts[rows], tick)
            for name, array in played.arrays().items():
                array[rows] = getattr(part, name)
        return played

    def _play_by(self, policy: Policy, starts: I64, tick: Advance) -> Episodes:
        env = SessionEnv(self._dataset, self._rules, starts)
        policy.reset(env)
        taken = np.eye(len(self._rules.table.action_names), dtype=np.float32)
        unknown = np.zeros(len(starts), np.float32)

        def decide(env: SessionEnv) -> Choice:
            action = policy.act(env)
            return Choice(action, taken[action], unknown)

        played = play_sessions(env, decide, tick)
        played.value[:] = discounted_returns(played.reward, self._config.search.discount)
        return played
