"""Stochastic tree search for B roots at once; the work is done in C++ (cpp/search)."""

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

    One call does it all (`run`); step by step it is::

        search.reset(prior, value, position, seed, noise=True)
        while leaves := search.select():
            search.backup(evaluator.expand(leaves))   # expand_single for "single_outcome"
        result = search.result()

    A root's result depends on its own arguments alone, not on the rest of the batch nor on
    `threads`. An object serves one caller at a time and does not survive ``fork``.
    """

    def __init__(
        self,
        params: SearchParams,
        next_position: npt.ArrayLike,
        num_outcomes: int,
        threads: int = 1,
    ) -> None:
        """Prepares searches with these constants.

        Args:
            params: constants of the search.
            next_position: [P, A] int32, position after an action; -1 where illegal.
            num_outcomes: chance outcomes C of an action.
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
            raise SearchError(f"{params} has a field the search does not know: {error}") from error
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
        """Starts a search.

        Args:
            prior: [B, A] float32, policy of each root (probabilities).
            value: [B] float32, network value of each root.
            position: [B] int32, row of `next_position` each root stands in.
            seed: [B] uint64, what a root's noise depends on.
            noise: whether to explore at the root: Dirichlet noise in its prior, or Gumbel noise.

        Raises:
            SearchError: naming the array, root and action at fault.
        """
        self._core.reset(
            floats("prior", prior),
            floats("value", value),
            int32s("position", position),
            uint64s("seed", seed),
            noise,
        )

    def root_slots(self) -> I32:
        """[B] int32, slots of the roots' latents."""
        slots = np.arange(self._core.roots, dtype=np.int64) * self._core.slots_per_tree
        return slots.astype(np.int32)

    @property
    def capacity(self) -> int:
        """Slots the current search may name."""
        return self._core.roots * self._core.slots_per_tree

    @property
    def arena_bytes(self) -> int:
        """Bytes held for trees, all that a search allocates; 0 before the first `reset`.

        Fixed by the roots, `num_simulations`, actions and outcomes; kept for the next search.
        """
        return self._core.arena_bytes

    def select(self) -> Leaves | SingleLeaves | None:
        """Simulates until every root waits for evaluations; None when all are done.

        The kind of leaves is that of ``params.expansion``.

        Raises:
            SearchError: the previous leaves were not handed back.
        """
        if not self._core.select():
            return None
        if self.params.expansion == "all_outcomes":
            return Leaves(*self._core.action_leaves())
        return SingleLeaves(*self._core.action_leaves()[:3], *self._core.outcome_leaves())

    def backup(self, expansion: Expansion | SingleExpansion) -> None:
        """Takes in the evaluation of the last leaves and backs every simulation up.

        Raises:
            SearchError: an array has a wrong shape, NaN, infinity or a negative probability; the
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
            SearchError: simulations are still to be done.
        """
        columns = self._core.result()
        visits, q, prior, policy, action, value, raw_value = columns[:7]
        statistics = SearchStatistics(*columns[7:])
        return SearchResult(visits, value, q, prior, policy, action, raw_value, statistics)

    def tree(self, root: int) -> TreeTable:
        """The tree of `root` as it stands, node by node.

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
        """Searches from B roots with `evaluator`; arguments as in `reset`.

        Args:
            evaluator: evaluates the leaves; one that is `InCore` does so without Python.
            latents: [B, D] latent of each root, in the evaluator's array type.
            prior: [B, A] float32.
            value: [B] float32.
            position: [B] int32.
            seed: [B] uint64.
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
