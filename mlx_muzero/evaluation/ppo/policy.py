"""Plays what proximal policy optimization has learned: reads the window, names an action."""

import mlx.core as mx
import numpy as np

from mlx_muzero.evaluation.policy import SessionView, Weighed
from mlx_muzero.evaluation.ppo.networks import ActorCritic
from mlx_muzero.types import F32, F64, I32

PPO = "ppo"
"""Its name in reports."""


class PPOPolicy:
    """Takes the most probable action."""

    name = PPO

    def __init__(self, network: ActorCritic) -> None:
        self.network = network

    def reset(self, env: SessionView) -> None:
        """Do nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """``i32[B]`` actions."""
        return self.weigh(env).action

    def weigh(self, env: SessionView) -> Weighed:
        """Actions with their probabilities."""
        seen, account = env.observe(), env.account_state
        columns = seen.shape[2] - len(env.rules.position_features)
        log_probs, _ = evaluated(self.network, seen[:, :, :columns], seen[:, -1, columns:], account)
        probability: F64 = np.exp(log_probs.astype(np.float64))
        return Weighed(log_probs.argmax(axis=1).astype(np.int32), probability)


def evaluated(network: ActorCritic, market: F32, held: F32, account: I32) -> tuple[F32, F32]:
    """Log probabilities ``f32[B, A]`` and values ``f32[B]``; arguments as of `ActorCritic`."""
    log_probs, value = network(mx.array(market), mx.array(held), mx.array(account))
    return np.array(log_probs), np.array(value)
