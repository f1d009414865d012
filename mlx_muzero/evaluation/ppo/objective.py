"""The advantages of what was done, and the loss whose minimum does more of it."""

from typing import NamedTuple

import mlx.core as mx
import numpy as np

from mlx_muzero.evaluation.ppo.recipe import Recipe
from mlx_muzero.types import F32, Bool


def generalized_advantages(
    reward: F32, value: F32, ended: Bool, discount: float, trace: float
) -> F32:
    """Generalized advantage estimates ``f32[T, B]``.

    ``delta_t = r_t + discount V_(t+1) - V_t`` and ``A_t = sum_l (discount trace)^l delta_(t+l)``,
    neither past the end of a session: Schulman, Moritz, Levine, Jordan and Abbeel,
    "High-Dimensional Continuous Control Using Generalized Advantage Estimation", 2016, eq. 16.

    Args:
        reward: ``f32[T, B]`` of each step.
        value: ``f32[T + 1, B]`` estimated before each step and after the last.
        ended: ``bool[T, B]`` whether a step was the last of its session.
        discount: of the next step's reward.
        trace: lambda.
    """
    goes_on = np.where(ended, 0.0, 1.0).astype(np.float32)
    delta = reward + discount * goes_on * value[1:] - value[:-1]
    advantage = np.zeros_like(delta)
    ahead = np.zeros_like(delta[0])
    for step in range(len(delta) - 1, -1, -1):
        ahead = delta[step] + discount * trace * goes_on[step] * ahead
        advantage[step] = ahead
    return advantage


class Losses(NamedTuple):
    """The parts of the loss, each ``f32[]``."""

    policy: mx.array
    value: mx.array
    entropy: mx.array


def losses(
    log_probs: mx.array,
    value: mx.array,
    action: mx.array,
    log_prob: mx.array,
    advantage: mx.array,
    reached: mx.array,
    clip: float,
) -> Losses:
    """The clipped surrogate, the squared error of the value, and the entropy of the policy.

    ``-mean(min(ratio A, clip(ratio, 1 - clip, 1 + clip) A))`` with
    ``ratio = pi(a) / pi_old(a)``: Schulman et al. 2017, eq. 7. Advantages are normalised over the
    minibatch (Huang et al., "The 37 Implementation Details of PPO", 2022, detail 7).

    Args:
        log_probs: ``f32[n, A]`` of the policy that learns, illegal actions far below all others.
        value: ``f32[n]`` that it estimates.
        action: ``i32[n]`` taken.
        log_prob: ``f32[n]`` of it by the policy that took it.
        advantage: ``f32[n]`` of having taken it.
        reached: ``f32[n]`` the value it led to: `advantage` and the value estimated then.
        clip: epsilon.
    """
    taken = mx.take_along_axis(log_probs, action[:, None], axis=1)[:, 0]
    ratio = mx.exp(taken - log_prob)
    scaled = (advantage - advantage.mean()) / (mx.sqrt(mx.var(advantage)) + 1e-8)
    gain = mx.minimum(ratio * scaled, mx.clip(ratio, 1.0 - clip, 1.0 + clip) * scaled)
    probs = mx.exp(log_probs)
    entropy = -(probs * mx.maximum(log_probs, -30.0)).sum(axis=1).mean()
    return Losses(-gain.mean(), mx.square(value - reached).mean(), entropy)


def total(parts: Losses, recipe: Recipe, entropy_weight: float | mx.array) -> mx.array:
    """``f32[]`` what is minimised: Schulman et al. 2017, eq. 9."""
    return parts.policy + recipe.value_weight * parts.value - entropy_weight * parts.entropy
