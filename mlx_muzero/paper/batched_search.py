"""From the pairs that are ready to what their agent wants: one batched search, in time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero import rng
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.observation import Observer
from mlx_muzero.paper.planner import Planner, SimulationBudget
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F32, I32, U64


@dataclass(frozen=True)
class Trader:
    """What trades one pair."""

    account: PairAccount
    observer: Observer


def search_seed(seed: int, close_ns: int, pairs: int) -> U64:
    """``u64[B]``, the seed of each root of a minute's search: every pair's is the minute's."""
    return rng.key(seed, rng.Stream.SEARCH, np.full(pairs, close_ns // MINUTE_NS))


class BatchedSearch:
    """Plans for a session.

    Args:
        settings: simulations, seed and deadline.
        planner: searches.
        stopwatch: seconds, for latencies and the deadline.
    """

    def __init__(
        self, settings: PaperSettings, planner: Planner, stopwatch: Callable[[], float]
    ) -> None:
        self._seed = settings.session.seed
        self._planner, self._stopwatch = planner, stopwatch
        self._least = settings.timing.min_simulations
        self._budget = SimulationBudget(
            settings.session.simulations, self._least, settings.timing.deadline_ms / 1e3
        )

    def decide(
        self,
        traders: Mapping[str, Trader],
        ready: Sequence[str],
        close_ns: int,
        arrived_s: float,
    ) -> SearchOutcome:
        """Search for the `ready` pairs whose last order is settled.

        Args:
            traders: by pair.
            ready: pairs with an observation, in the order of the batch.
            close_ns: end of the minute.
            arrived_s: of the stopwatch, when the last bar came.
        """
        # A pair whose order is on its way does not know its own position.
        pairs = [pair for pair in ready if traders[pair].account.order is None]
        if not pairs:
            return SearchOutcome()
        asked = [traders[pair] for pair in pairs]
        rows = [t.observer.observe(t.account.position_features()) for t in asked]
        observation, positions = np.stack(rows), [t.account.position for t in asked]
        position = np.array(positions, np.int32)
        seed = search_seed(self._seed, close_ns, len(pairs))
        if not self._budget.known:
            self._try_out(observation, position, seed)
        planned_s = self._stopwatch()
        simulations = self._budget.choose(planned_s - arrived_s)
        result = self._planner.plan(observation, position, seed, simulations)
        searched_s = self._stopwatch() - planned_s
        self._budget.measured(simulations, searched_s)
        return SearchOutcome(
            pairs,
            result,
            simulations,
            [self._planner.tree(root, simulations) for root in range(len(pairs))],
            positions,
            [t.observer.threshold_pips() for t in asked],
            {"observe": 1e3 * (planned_s - arrived_s), "search": 1e3 * searched_s},
        )

    def _try_out(self, observation: F32, position: I32, seed: U64) -> None:
        """Measure small searches before the first one that counts: even that has a deadline."""
        for _ in range(2):  # the first one also allocates
            began_s = self._stopwatch()
            self._planner.plan(observation, position, seed, self._least)
            seconds = self._stopwatch() - began_s
        self._budget.measured(self._least, seconds)
