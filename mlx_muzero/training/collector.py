"""Self-play: B training sessions in lockstep, with one search for all of them at every step."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from mlx_muzero import rng
from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import moment_of
from mlx_muzero.config.choices import Backend
from mlx_muzero.config.schema import CollectConfig, Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.search.actions import sample_actions
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.training.phases.cadence import round_size
from mlx_muzero.training.replay import Episodes
from mlx_muzero.types import F32, F64, I32, I64, Advance


def temperature(config: CollectConfig, episode: I64) -> F64:
    """Action temperature of each episode: linear decay by episode number (FX "Exploration")."""
    done = np.minimum(episode / config.temperature_decay_episodes, 1.0)
    fall = config.initial_temperature - config.final_temperature
    return np.asarray(config.initial_temperature - fall * done, np.float64)


@dataclass(frozen=True, eq=False)
class Round:
    """Episodes played together.

    Attributes:
        episodes: the episodes.
        seconds: how long they took.
        backend: backend that evaluated the last searches; "scripted" if there were none.
        weights_steps: training steps of the weights.
    """

    episodes: Episodes
    seconds: float
    backend: Backend | Literal["scripted"]
    weights_steps: int


class Choice(NamedTuple):
    """Decisions for B sessions: actions, policy targets and search values."""

    action: I32  # [B]
    policy: F32  # [B, A]
    value: F32  # [B]


def draw_starts(starts: I64, seed: int, episode: I64) -> I64:
    """Session start of each episode ``i64[E]``, drawn from `starts` by episode number."""
    draws = rng.uniform(rng.key(seed, rng.Stream.SESSION, episode))
    return starts[(draws * len(starts)).astype(np.int64)]


def empty_episodes(starts: I64, dataset: MarketDataset, rules: TradingRules) -> Episodes:
    """Unplayed episodes at `starts` ``i64[E]``."""
    episodes = Episodes.empty(
        len(starts),
        dataset.config.session_bars,
        len(rules.table.action_names),
        len(rules.position_features),
    )
    episodes.start[:] = starts
    return episodes


def play_sessions(
    env: SessionEnv, decide: Callable[[SessionEnv], Choice], tick: Advance
) -> Episodes:
    """Play the sessions of `env` from start to end with the decisions of `decide`."""
    played = empty_episodes(env.starts, env.dataset, env.rules)
    while not env.done:
        step, choice = env.step_index, decide(env)
        played.position[:, step] = env.position
        played.position_features[:, step] = env.position_features()
        played.action[:, step] = choice.action
        played.policy[:, step] = choice.policy
        played.value[:, step] = choice.value
        played.reward[:, step] = env.step(choice.action).reward
        tick(len(env.starts))
    return played


class Collector:
    """Plays training sessions.

    Every random number is keyed by the run's seed, the episode and the step, so an episode is the
    same whichever others are collected with it, and the same again after a restart.
    """

    def __init__(self, config: Config, dataset: MarketDataset, rules: TradingRules) -> None:
        self._config = config
        self._dataset = dataset
        self._rules = rules
        self._starts = dataset.training_starts()

    def round_size(self, first_episode: int) -> int:
        """Episodes of the round that begins with `first_episode`; 0 after the run's last one."""
        return round_size(self._config, "search", first_episode)

    def play_round(
        self, agent: Agent, weights_steps: int, first_episode: int, count: int, tick: Advance
    ) -> Round:
        """Play `count` episodes with `agent`, whose weights had `weights_steps` training steps."""
        began = time.perf_counter()
        episodes = self.collect(agent, first_episode, count, tick)
        return Round(episodes, time.perf_counter() - began, agent.backend, weights_steps)

    def collect(self, agent: Agent, first_episode: int, count: int, tick: Advance) -> Episodes:
        """Play `count` episodes from `first_episode` on, with one search per step for all."""
        seed = self._config.train.seed
        episode = np.arange(first_episode, first_episode + count, dtype=np.int64)
        heat = temperature(self._config.collect, episode)

        def decide(env: SessionEnv) -> Choice:
            result = agent.plan(
                env.observe(),
                env.account_state,
                rng.key(seed, rng.Stream.SEARCH, episode, env.step_index),
                simulations=self._config.search.num_simulations_collect,
                noise=True,
                moment=moment_of(env),
            )
            # A Gumbel root has already explored with its own noise, so play its winner.
            if self._config.search.root == "gumbel":
                action = result.action
            else:
                keys = rng.key(seed, rng.Stream.ACTION, episode, env.step_index)
                action = sample_actions(result.visits, heat, keys)
            return Choice(action, result.policy, result.greedy_value)

        starts = draw_starts(self._starts, seed, episode)
        return play_sessions(SessionEnv(self._dataset, self._rules, starts), decide, tick)
