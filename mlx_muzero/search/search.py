"""Stochastic tree search from B roots at once, implemented in C++ (cpp/search)."""

from dataclasses import asdict
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mlx_muzero import _core
from mlx_muzero.errors import SearchError
from mlx_muzero.search.arrays import floats, int32s, uint64s
from mlx_muzero.search.evaluator import (
    Evaluator,
    Expansion,
    InCore,
    Leaves,
    SingleExpansion,
    SingleLeaves,
)
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.result import SearchResult, SearchStatistics, TreeTable
from mlx_muzero.types import I32

LatentsT = TypeVar("LatentsT")


class Search:
    """Stochastic MuZero's search (Antonoglou et al. 2022) over arrays.

    `run` does it all in one call; step by step, that is::

        search.reset(prior, value, position, seed, noise=True)
        while leaves := search.select():
            search.backup(evaluator.expand(leaves))   # expand_single for "single_outcome"
        result = search.result()

    A root's result depends only on its own arguments, not on the rest of the batch or on
    `threads`. An instance serves one caller at a time and does not survive ``fork``.
    """

    def __init__(
        self,
        params: SearchParams,
        next_position: npt.ArrayLike,
        num_outcomes: int,
        threads: int = 1,
    ) -> None:
        """Prepare searches with these constants.

        Args:
            params: constants of the search.
            next_position: ``i32[P, A]`` position after an action; -1 where illegal.
            num_outcomes: number of chance outcomes per action (C).
            threads: threads that share the trees.

        Raises:
            SearchError: a constant is out of range, or a position has no legal action.
        """
        self.params = params
        try:
            core_params = _core.Params(
                **asdict(params)
                | {
                    "legal_actions": getattr(_core.LegalActions, params.legal_actions),
                    "expansion": getattr(_core.Expansion, params.expansion),
                    "compatibility": getattr(_core.Compatibility, params.compatibility),
                    "root": getattr(_core.Root, params.root),
                }
            )
        except (AttributeError, TypeError) as error:
            raise SearchError(f"{params} has a field unknown to the search: {error}") from error
        table = int32s("next_position", next_position)
        self._core = _core.SearchCore(core_params, table, num_outcomes, threads)

    def reset(
        self,
        prior: npt.ArrayLike,
        value: npt.ArrayLike,
        position: npt.ArrayLike,
        seed: npt.ArrayLike,
        noise: bool,
    ) -> None:
        """Start a search.

        Args:
            prior: ``f32[B, A]`` policy of each root (probabilities).
            value: ``f32[B]`` network value of each root.
            position: ``i32[B]`` row of `next_position` for each root.
            seed: ``u64[B]`` seed of each root's noise.
            noise: whether to explore at the root, by Dirichlet noise in the prior or Gumbel noise.

        Raises:
            SearchError: an array is invalid; names the array, root and action.
        """
        self._core.reset(
            floats("prior", prior),
            floats("value", value),
            int32s("position", position),
            uint64s("seed", seed),
            noise,
        )

    def root_slots(self) -> I32:
        """``i32[B]`` slots of the roots' latents."""
        slots = np.arange(self._core.roots, dtype=np.int64) * self._core.slots_per_tree
        return slots.astype(np.int32)

    @property
    def capacity(self) -> int:
        """Number of slots the current search may use."""
        return self._core.roots * self._core.slots_per_tree

    @property
    def arena_bytes(self) -> int:
        """Bytes allocated for trees, the only allocation of a search; 0 before the first `reset`.

        Determined by the roots, `num_simulations`, actions and outcomes; reused by the next search.
        """
        return self._core.arena_bytes

    def select(self) -> Leaves | SingleLeaves | None:
        """Simulate until every root waits for evaluations; None when all are done.

        ``params.expansion`` determines the kind of leaves.

        Raises:
            SearchError: the previous leaves have not been backed up.
        """
        if not self._core.select():
            return None
        if self.params.expansion == "all_outcomes":
            return Leaves(*self._core.action_leaves())
        return SingleLeaves(*self._core.action_leaves()[:3], *self._core.outcome_leaves())

    def backup(self, expansion: Expansion | SingleExpansion) -> None:
        """Back up every simulation with the evaluation of the last leaves.

        Raises:
            SearchError: an array has the wrong shape, NaN, infinity or a negative probability; the
                leaves still wait and `backup` may be called again.
        """
        if isinstance(expansion, Expansion):
            self._core.backup_all(
                floats("outcome_probs", expansion.outcome_probs),
                floats("reward", expansion.reward),
                floats("value", expansion.value),
                floats("prior", expansion.prior),
            )
        else:
            self._core.backup_single(
                floats("outcome_probs", expansion.outcome_probs),
                floats("afterstate_value", expansion.afterstate_value),
                floats("reward", expansion.reward),
                floats("value", expansion.value),
                floats("prior", expansion.prior),
            )

    def result(self) -> SearchResult:
        """Root statistics.

        Raises:
            SearchError: simulations remain to be done.
        """
        columns = self._core.result()
        visits, q, prior, policy, action, value, raw_value = columns[:7]
        statistics = SearchStatistics(*columns[7:])
        return SearchResult(visits, value, q, prior, policy, action, raw_value, statistics)

    def tree(self, root: int) -> TreeTable:
        """The current tree of `root`, node by node.

        Raises:
            SearchError: there is no such root.
        """
        columns = self._core.tree(root)
        return TreeTable(np.arange(len(columns[0]), dtype=np.int32), *columns)

    def run(
        self,
        evaluator: Evaluator[LatentsT],
        latents: LatentsT,
        prior: npt.ArrayLike,
        value: npt.ArrayLike,
        position: npt.ArrayLike,
        seed: npt.ArrayLike,
        noise: bool,
    ) -> SearchResult:
        """Search from B roots with `evaluator`; see `reset`.

        Args:
            evaluator: evaluates the leaves; if it is `InCore`, without Python.
            latents: ``f32[B, D]`` latent of each root, in the evaluator's array type.
            prior: ``f32[B, A]`` policy of each root.
            value: ``f32[B]`` network value of each root.
            position: ``i32[B]`` row of `next_position` for each root.
            seed: ``u64[B]`` seed of each root's noise.
            noise: whether to explore at the root.
        """
        self.reset(prior, value, position, seed, noise)
        evaluator.reset(latents, self.root_slots(), self.capacity)
        if isinstance(evaluator, InCore):
            self._core.run(evaluator.core)
            return self.result()
        while (leaves := self.select()) is not None:
            if isinstance(leaves, Leaves):
                self.backup(evaluator.expand(leaves))
            else:
                self.backup(evaluator.expand_single(leaves))
        return self.result()
