"""Plays sessions of the training split in lockstep and keeps what an update learns from."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.ppo.networks import ActorCritic
from mlx_muzero.evaluation.ppo.policy import evaluated
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import history_columns
from mlx_muzero.networks.window_mlp import WindowMLP
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, I32, I64, Bool


@dataclass(frozen=True, eq=False)
class Rollout:
    """`T` steps of `B` sessions; windows are not kept, but read again from the bars (ADR 11).

    Attributes:
        bar: ``i64[T, B]`` of each decision.
        held: ``f32[T, B, P]`` features of the account.
        account: ``i32[T, B]`` its state.
        action: ``i32[T, B]`` taken.
        log_prob: ``f32[T, B]`` of it.
        value: ``f32[T + 1, B]`` estimated before each step and after the last.
        reward: ``f32[T, B]`` of each step.
        ended: ``bool[T, B]`` whether a step was the last of its session.
    """

    bar: I64
    held: F32
    account: I32
    action: I32
    log_prob: F32
    value: F32
    reward: F32
    ended: Bool


class MarketReader:
    """Reads of a market what a network's encoder wants of it."""

    def __init__(self, network: ActorCritic, dataset: MarketDataset) -> None:
        self._dataset = dataset
        columns = history_columns(dataset.config)
        self._history = columns if isinstance(network.encoder, WindowMLP) else None

    def at(self, bar: I64) -> F32:
        """The market at each `bar` ``i64[n]``, as `ActorCritic` takes it."""
        if self._history is None:
            return self._dataset.windows(bar)
        return self._dataset.read_rows(bar, self._history)


class Collector:
    """Goes on playing `sessions` sessions, each drawn anew when it has ended.

    Args:
        dataset: the market; sessions are of its training split.
        rules: actions and costs.
        sessions: how many at once (B).
        generator: draws sessions and actions.
    """

    def __init__(
        self,
        dataset: MarketDataset,
        rules: TradingRules,
        sessions: int,
        generator: np.random.Generator,
    ) -> None:
        self._dataset, self._rules = dataset, rules
        self._sessions, self._generator = sessions, generator
        self._starts = dataset.training_starts()
        self._env = self._drawn()

    def _drawn(self) -> SessionEnv:
        drawn = self._starts[self._generator.integers(len(self._starts), size=self._sessions)]
        return SessionEnv(self._dataset, self._rules, drawn)

    def collect(self, network: ActorCritic, reader: MarketReader, steps: int) -> Rollout:
        """The next `steps` steps, with actions drawn from the policy of `network`."""
        shape = steps, self._sessions
        bar, held = np.empty(shape, np.int64), []
        account, action = np.empty(shape, np.int32), np.empty(shape, np.int32)
        log_prob, reward = np.empty(shape, np.float32), np.empty(shape, np.float32)
        value = np.empty((steps + 1, self._sessions), np.float32)
        ended = np.zeros(shape, np.bool_)
        for step in range(steps):
            env = self._env
            bar[step], account[step] = env.bar, env.account_state
            held.append(env.position_features())
            log_probs, value[step] = evaluated(
                network, reader.at(bar[step]), held[-1], account[step]
            )
            action[step] = self._sampled(log_probs)
            log_prob[step] = log_probs[np.arange(self._sessions), action[step]]
            reward[step] = env.step(action[step]).reward
            if env.done:
                ended[step] = True
                self._env = self._drawn()
        env = self._env
        features = env.position_features()
        _, value[steps] = evaluated(network, reader.at(env.bar), features, env.account_state)
        return Rollout(bar, np.stack(held), account, action, log_prob, value, reward, ended)

    def _sampled(self, log_probs: F32) -> I32:
        """``i32[B]`` one action of each row, by the Gumbel-max trick."""
        noise = self._generator.gumbel(size=log_probs.shape)
        return (log_probs + noise).argmax(axis=1).astype(np.int32)
