"""Training batches: what the unrolled model sees and should predict (MuZero, appendix G)."""

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
      observation: ``f32[n, K+1, W, F]`` real windows; the first is unrolled from, the others are
        what the latent should be consistent with.
      action: ``i32[n, K]`` actions taken.
      outcome: ``i32[n, K]`` chance outcomes that followed.
      reward: ``f32[n, K]`` rewards that followed.
      policy: ``f32[n, K+1, A]`` visit shares of the search.
      value: ``f32[n, K+1]`` n-step returns.
      valid: ``f32[n, K+1]`` 1 where the step lies inside its session, else 0 and no loss.
    """

    observation: F32
    action: I32
    outcome: I32
    reward: F32
    policy: F32
    value: F32
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
    """Gather the batch at ``slot[n]``, ``step[n]`` of `episodes`."""
    session_steps = episodes.action.shape[1]
    unrolled = step[:, None] + np.arange(unroll_steps + 1)
    valid = unrolled < session_steps
    # Steps behind the end repeat the last one; `valid` keeps them out of every loss.
    at = (slot[:, None], np.minimum(unrolled, session_steps - 1))
    bar = episodes.start[at[0]] + at[1]
    position_features = episodes.position_features[at]
    windows = observations(
        dataset, bar.ravel(), position_features.reshape(-1, position_features.shape[-1])
    )
    moves = (at[0], at[1][:, :-1])
    return Batch(
        observation=windows.reshape(*bar.shape, *windows.shape[1:]),
        action=episodes.action[moves].astype(np.int32),
        outcome=dataset.outcomes[bar[:, :-1] + 1].astype(np.int32),
        reward=episodes.reward[moves],
        policy=episodes.policy[at],
        value=n_step_returns(episodes.reward, episodes.value, *at, td_steps, discount),
        valid=valid.astype(np.float32),
    )


def n_step_returns(
    reward: F32, value: F32, slot: I64, step: I64, td_steps: int, discount: float
) -> F32:
    """``sum_j<n discount^j reward + discount^n value`` from each ``slot, step``; broadcast shape.

    Beyond the session's end rewards and values are 0: the position is closed there and its reward
    booked (design 3.5). `reward` and `value` are ``[E, T]``.
    """
    slot, step = np.broadcast_arrays(slot, step)
    session_steps = reward.shape[1]
    ahead = step[..., None] + np.arange(td_steps + 1)
    inside = ahead < session_steps
    ahead = np.minimum(ahead, session_steps - 1)
    discounts = discount ** np.arange(td_steps + 1, dtype=np.float64)
    terms = np.where(inside, reward[slot[..., None], ahead], 0.0)
    terms[..., -1] = np.where(inside[..., -1], value[slot, ahead[..., -1]], 0.0)
    returns: F32 = (terms * discounts).sum(axis=-1).astype(np.float32)
    return returns
