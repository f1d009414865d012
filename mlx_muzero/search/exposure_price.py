"""What a bar of exposure is worth to others, where accounts share a limit on it.

Accounts that share a limit are planned for one by one, as if each paid a *price* for every bar of
exposure, because others could use it (Lagrangian relaxation, Hawkins 2003; Whittle 1988). Their
worths then decide who gets the room. No formula gives the price that earns most with few accounts,
so it is chosen by playing: many sessions on the market's chain, the same ones at every price.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.search.allocation import allocate
from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F64, I64

_SHARES = np.append(0.0, 2.0 ** -np.arange(7.0, 1.5, -0.5))
"""Candidates, as shares of the greatest move that the chain expects of a bar."""

_SESSIONS = 48
_BARS = 240
_FIRST_BARS = 64
"""Before a session, so that it starts anywhere in the market."""

_SEED = 20


@dataclass(frozen=True)
class ExposureMarket:
    """Several accounts on independent copies of one market, under one limit.

    Attributes:
        chain: of each.
        accounts: how many.
        limit: largest sum of their absolute exposures.
    """

    chain: ChainMarket
    accounts: int
    limit: float

    def price(self, terms: Terms, cycle: I64) -> float:
        """Pips a bar of an exposure of 1, of the candidates the one that earns most.

        Depends on nothing but the arguments; 0 where there is always room for all.

        Args:
            terms: account states, costs and limits of one account.
            cycle: ``i64[T]`` conditions, which repeat for ever.
        """
        if self.accounts * np.abs(terms.exposures).max() <= self.limit:
            return 0.0
        prices = _SHARES * np.abs(self.chain.move).max()
        worth = np.stack([self.chain.forever(terms.priced(price), cycle) for price in prices])
        earned = self._earned(worth, terms, cycle)
        return float(prices[earned.argmax()])

    def _earned(self, worth: F64, terms: Terms, cycle: I64) -> F64:
        """``f64[K]`` pips earned under each of K worths ``f64[K, T, G, S]``."""
        candidates, states = len(worth), self._states()
        legal = terms.next_state >= 0
        after = np.where(legal, terms.next_state, np.arange(len(legal))[:, None])
        exposures = np.abs(terms.exposures)
        paid = np.where(legal, terms.charged, 0.0)
        shape = candidates, _SESSIONS, self.accounts
        group = np.repeat(np.arange(candidates * _SESSIONS), self.accounts)
        which = np.arange(candidates)[:, None, None]
        account, earned = np.zeros(shape, np.int64), np.zeros(candidates)
        for bar, state in enumerate(states):
            phase = bar % len(cycle)
            condition, reached = int(cycle[phase]), after[account]
            leads_to = worth[which[..., None], phase, state[..., None], reached]
            choices = leads_to - terms.charged[condition][account]
            actions = choices.shape[-1]
            action = allocate(
                choices.reshape(-1, actions).argmax(axis=1).astype(np.int32),
                choices.reshape(-1, actions),
                exposures[reached].reshape(-1, actions),
                exposures[account].ravel(),
                group,
                self.limit,
            ).reshape(shape)
            before, account = account, after[account, action]
            net = self.chain.move[state] * terms.exposures[account]
            net = net - paid[condition, before, action] - terms.carry[condition, account]
            earned += net.sum(axis=(1, 2))
        return earned

    def _states(self) -> I64:
        """``i64[_BARS, _SESSIONS, accounts]`` market states, drawn with a seed of their own."""
        rng = np.random.default_rng(_SEED)
        upto = self.chain.transition.cumsum(axis=1)
        upto /= upto[:, -1:]
        state = rng.integers(len(upto), size=(_SESSIONS, self.accounts))
        states = []
        for _ in range(_FIRST_BARS + _BARS):
            drawn = rng.random(state.shape)
            state = (upto[state] < drawn[..., None]).sum(axis=-1)
            states.append(state)
        return np.stack(states[_FIRST_BARS:])
