"""The interface of an agent: observations and accounts in, decisions out."""

from typing import Protocol

import numpy as np

from mlx_muzero.agent.moment import UNKNOWN, Moment
from mlx_muzero.config.choices import Backend, Precision
from mlx_muzero.search.result import SearchResult, TreeTable
from mlx_muzero.types import F32, F64, I32, U64


def played_by(backend: str, root_backend: str, precision: str = "float32") -> str:
    """What evaluates, in words: the roots' backend and the precision only where they are others."""
    words = backend if precision == "float32" else f"{backend} in {precision}"
    return words if root_backend == backend else f"{words} (roots: {root_backend})"


class Agent(Protocol):
    """Decides for B accounts at once; holds no state between decisions.

    Whatever plays an agent needs nothing else of it: not which kind of model it plans with.
    """

    @property
    def backend(self) -> Backend:
        """The backend that computes the networks now; those of leaves, if roots have another."""
        ...

    @property
    def root_backend(self) -> Backend:
        """The backend that computes the networks of roots now."""
        return self.backend

    @property
    def precision(self) -> Precision:
        """The number format of that backend's large products."""
        ...

    def refresh(self) -> None:
        """Plan with the model's current weights from now on; call after they change."""
        ...

    def close(self) -> None:
        """End other processes that evaluate; the agent cannot plan any more."""
        ...

    def network_action(self, observation: F32, account: I32, moment: Moment = UNKNOWN) -> I32:
        """``i32[B]`` the legal actions that the networks prefer, without search."""
        ...

    def network_weights(self, observation: F32, account: I32, moment: Moment = UNKNOWN) -> F64:
        """``f64[B, A]`` how much they prefer each action; minus infinity where illegal."""
        ...

    def plan(
        self,
        observation: F32,
        account: I32,
        seed: U64,
        *,
        simulations: int,
        noise: bool,
        moment: Moment = UNKNOWN,
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` and account states ``i32[B]``.

        Args:
            observation: what the accounts see, market columns first.
            account: states of the accounts.
            seed: ``u64[B]`` seed of each root's random numbers.
            simulations: of the search, for each root.
            noise: whether to explore at the root, for collecting.
            moment: of the decisions; needed where costs or limits in force change with it.
        """
        ...

    def explain(
        self, observation: F32, account: I32, *, simulations: int, moment: Moment = UNKNOWN
    ) -> tuple[SearchResult, TreeTable]:
        """Decide once without noise, for ``f32[1, W, F]`` and ``i32[1]``; also return the tree."""
        seed = np.zeros(1, np.uint64)
        result = self.plan(
            observation, account, seed, simulations=simulations, noise=False, moment=moment
        )
        return result, self.tree(0, simulations=simulations)

    def tree(self, root: int, *, simulations: int) -> TreeTable:
        """The tree of `root` in the last plan, which must have had as many simulations."""
        ...
