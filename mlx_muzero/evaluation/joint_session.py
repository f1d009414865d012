"""Pairs that trade at the same time decide together where they share a limit on exposure.

What each would do alone is asked of the policy in one batch, as ever. Where that exceeds the limit,
the worths of all actions decide who gets the room (`mlx_muzero.search.allocation`).
"""

from collections.abc import Iterator

import numpy as np

from mlx_muzero.evaluation.policy import Decider, SessionView, Weighed, Weigher
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.search.allocation import allocate
from mlx_muzero.types import F64, I32, I64


def decide(policy: Decider, env: SessionView) -> I32:
    """Actions ``i32[B]`` of `policy` within the limit that sessions of the same minute share."""
    limit = env.rules.exposure_limit
    if limit is None:
        return policy.act(env)
    weighed = policy.weigh(env) if isinstance(policy, Weigher) else wishes(policy.act(env), env)
    rules, states, account, stage = env.rules, env.states, env.account_state, env.stage
    after = rules.taken[stage, account]
    worth = np.where(rules.allowed[stage, account], weighed.worth, -np.inf)
    _, group = np.unique(env.open_time_ns[env.bar], return_inverse=True)
    exposures = abs(states.exposures)
    return allocate(weighed.action, worth, exposures[after], exposures[account], group, limit.total)


def wishes(action: I32, env: SessionView, strength: F64 | float = 1.0) -> Weighed:
    """`action` ``i32[B]`` of a policy that says no more than how strongly it wants it, ``f64[B]``.

    To stay in the market counts twice: others take its place only if they want it twice as much.
    Of those that want it equally, the first rows go first.
    """
    states, account, row = env.states, env.account_state, np.arange(len(action))
    stays = states.next_state[account] == account[:, None]
    weights = np.where(stays, 0.0, -np.inf)
    weights[row, states.actions_toward(account, np.zeros(len(account)))] = 0.0
    weights[row, action] = strength * np.where(stays[row, action], 2.0, 1.0)
    return Weighed(action, weights)


def blocks(dataset: MarketDataset, starts: I64, most: int, together: bool) -> Iterator[slice]:
    """Slices of at most `most` of `starts` ``i64[n]`` that are played in lockstep.

    Args:
        dataset: the market.
        starts: first decision bars, in time order.
        most: sessions in a slice, if those of one time are no more.
        together: whether sessions of the same time belong in one slice.
    """
    first_of = np.arange(len(starts) + 1)
    if together:
        opens = dataset.open_time_ns[starts]
        begins = np.concatenate([[True], opens[1:] != opens[:-1], [True]])
        first_of = np.flatnonzero(begins)
    first = 0
    while first < len(starts):
        within = first_of[(first_of > first) & (first_of <= first + most)]
        end = int(within[-1]) if len(within) else int(first_of[first_of > first][0])
        yield slice(first, end)
        first = end
