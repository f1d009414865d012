"""Training batches: inputs and targets of the unrolled model (MuZero, appendix G)."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.env import observations
from mlx_muzero.training.replay import Episodes
from mlx_muzero.types import F32, I32, I64


@dataclass(frozen=True, eq=False)
class Batch:
    """n positions unrolled K steps; step k of row j is session step i_j + k.

    Attributes:
        observation: ``f32[n, K+1, W, F]`` real windows; the first starts the unroll, the others
            are what the latents should be consistent with.
        action: ``i32[n, K]`` actions taken.
        outcome: ``i32[n, K]`` chance outcomes that followed.
        reward: ``f32[n, K]`` rewards that followed.
        policy: ``f32[n, K+1, A]`` visit shares of the search.
        value: ``f32[n, K+1]`` returns from `greedy_returns`.
        afterstate_value: ``f32[n, K]`` returns of the actions taken.
        valid: ``f32[n, K+1]`` 1 for steps inside the session, 0 for steps without a loss.
    """

    observation: F32
    action: I32
    outcome: I32
    reward: F32
    policy: F32
    value: F32
    afterstate_value: F32
    valid: F32


def make_batch(
    episodes: Episodes,
    slot: I64,
    step: I64,
    dataset: MarketDataset,
    *,
    unroll_steps: int,
    td_steps: int,
    discount: float,
) -> Batch:
    """Gather the batch at `slot` ``i64[n]`` and `step` ``i64[n]`` of `episodes`."""
    session_steps = episodes.action.shape[1]
    unrolled = step[:, None] + np.arange(unroll_steps + 1)
    valid = unrolled < session_steps
    # Steps past the end repeat the last one; `valid` keeps them out of every loss.
    at = (slot[:, None], np.minimum(unrolled, session_steps - 1))
    bar = episodes.start[at[0]] + at[1]
    position_features = episodes.position_features[at]
    windows = observations(
        dataset, bar.ravel(), position_features.reshape(-1, position_features.shape[-1])
    )
    moves = (at[0], at[1][:, :-1])
    reward = episodes.reward[moves]
    value = greedy_returns(episodes, slot[:, None], unrolled, td_steps, discount)
    return Batch(
        observation=windows.reshape(*bar.shape, *windows.shape[1:]),
        action=episodes.action[moves].astype(np.int32),
        outcome=dataset.outcomes[bar[:, :-1] + 1].astype(np.int32),
        reward=reward,
        policy=episodes.policy[at],
        value=value,
        afterstate_value=reward + np.float32(discount) * value[:, 1:],
        valid=valid.astype(np.float32),
    )


def greedy_returns(episodes: Episodes, slot: I64, step: I64, td_steps: int, discount: float) -> F32:
    """n-step returns of the search's own best actions from each `slot`, `step`; broadcast shape.

    Watkins's Q(lambda) with lambda = 1 (Sutton & Barto, 2nd edition, 12.10): rewards are summed for
    at most `td_steps` steps, but only while the action taken was among the most visited. From the
    first exploratory action on, the search's value replaces the rest. A return through random
    entries would charge their costs to the state they were made in.

    Beyond the session's end, rewards and values are 0: the position is closed there and its reward
    booked (ADR 7).
    """
    slot, step = np.broadcast_arrays(slot, step)
    slot, session_steps = slot[..., None], episodes.action.shape[1]
    ahead = step[..., None] + np.arange(td_steps + 1)
    inside = ahead < session_steps
    ahead = np.minimum(ahead, session_steps - 1)
    policy = episodes.policy[slot, ahead]
    taken = np.take_along_axis(policy, episodes.action[slot, ahead][..., None].astype(np.int64), -1)
    followed = (taken[..., 0] >= policy.max(axis=-1)) | ~inside
    followed[..., -1] = False
    summed = np.logical_and.accumulate(followed, axis=-1)
    bootstrap = ~summed
    bootstrap[..., 1:] &= summed[..., :-1]
    terms = np.where(summed, episodes.reward[slot, ahead], 0.0)
    terms = np.where(bootstrap, episodes.value[slot, ahead], terms)
    discounts = discount ** np.arange(td_steps + 1, dtype=np.float64)
    returns: F32 = (np.where(inside, terms, 0.0) * discounts).sum(axis=-1).astype(np.float32)
    return returns
