"""What the pairs of a minute want to hold, where their limit has no room for all of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.paper.settings import RiskSettings
from mlx_muzero.search.allocation import allocate


@dataclass(frozen=True)
class Share:
    """What each pair decided on is to hold.

    Attributes:
        exposures: by pair.
        why_not: the limit that kept a pair from what it wanted, by pair.
    """

    exposures: dict[str, float]
    why_not: dict[str, str]


def share_room(
    outcome: SearchOutcome, accounts: Mapping[str, PairAccount], risk: RiskSettings, carried: float
) -> Share:
    """Choose for all pairs of `outcome` together, as evaluations do.

    Where everything wanted fits, everybody has it. Otherwise the worths that the search found say
    who gets the room, and of equal ones the name.

    Args:
        outcome: of the minute's search.
        accounts: by pair, those not decided on included: what they hold or ordered takes room.
        risk: limits on exposure.
        carried: sum of exposures that the account's margin carries.
    """
    result = outcome.result
    if result is None:
        return Share({}, {})
    order = np.argsort(np.array(outcome.pairs))
    pairs = [outcome.pairs[i] for i in order]
    states = accounts[pairs[0]].core.rules.states
    state = np.array([accounts[pair].core.account_state[0] for pair in pairs])
    after = states.next_state[state]
    # An illegal action leaves the account unchanged.
    after = np.where(after < 0, state[:, None], after)
    size, held = abs(states.exposures[after]), abs(states.exposures[state])
    fits_pair = (size <= risk.max_pair_exposure) | (size <= held[:, None])
    worth = np.where(states.legal[state] & fits_pair, result.completed_q[order], -np.inf)
    limits = {"max_total_exposure": risk.max_total_exposure, "margin": carried}
    tightest = min(limits, key=lambda name: limits[name])
    others = sum(abs(a.bound_exposure) for name, a in accounts.items() if name not in pairs)
    room = max(limits[tightest] - others, 0.0)
    alone, row = result.action[order], np.arange(len(pairs))
    action = allocate(alone, worth, size, held, np.zeros(len(pairs), np.int64), room)
    exposures = states.exposures[after]
    wanted, given = exposures[row, alone], exposures[row, action]
    return Share(
        dict(zip(pairs, given.tolist(), strict=True)),
        {pair: tightest for pair, less in zip(pairs, given != wanted, strict=True) if less},
    )
