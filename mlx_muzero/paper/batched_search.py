"""Searches for all pairs that are ready in one batch, within the deadline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero import rng
from mlx_muzero.agent.moment import Moment
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.observation import Observer
from mlx_muzero.paper.offloading import Asked, Move, Offloading
from mlx_muzero.paper.planner import Planner, SimulationBudget
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F32, I32, U64


@dataclass(frozen=True)
class Trader:
    """The account and the observer of one pair."""

    account: PairAccount
    observer: Observer


def search_seed(seed: int, close_ns: int, pairs: int) -> U64:
    """``u64[B]``: one seed per root, all derived from the minute."""
    return rng.key(seed, rng.Stream.SEARCH, np.full(pairs, close_ns // MINUTE_NS))


def last_minute(close_ns: int) -> int:
    """The minute since 1970 at which the bars opened that closed by `close_ns`."""
    return close_ns // MINUTE_NS - 1


def moment_of(accounts: Sequence[PairAccount], close_ns: int) -> Moment:
    """What accounts know beside their observations as a minute ends."""
    first = accounts[0]
    spread, rate = (
        np.array([np.nan if known is None else known for known in column]) if told else None
        for told, column in (
            (first.hears_quotes, [account.close_spread for account in accounts]),
            (first.hears_settlements, [account.expected_rate for account in accounts]),
        )
    )
    minute = np.full(len(accounts), last_minute(close_ns))
    bar = None if first.clock is None else np.array([account.session_bar for account in accounts])
    return Moment(minute, bar, spread, rate)


class BatchedSearch:
    """Searches on behalf of a session.

    Args:
        settings: provide simulations, seed and deadline.
        planner: runs the searches.
        stopwatch: returns seconds, for latencies and the deadline.
    """

    def __init__(
        self, settings: PaperSettings, planner: Planner, stopwatch: Callable[[], float]
    ) -> None:
        self._seed = settings.session.seed
        self._planner, self._stopwatch = planner, stopwatch
        self._least = settings.timing.min_simulations
        self._deadline_s = settings.timing.deadline_ms / 1e3
        self._simulations = settings.session.simulations
        self.begin_anew()

    def begin_anew(self) -> None:
        """Know nothing of the planner's speed, as of another model's."""
        self._budget = SimulationBudget(self._simulations, self._least, self._deadline_s)
        self._offloading = Offloading(
            self._planner, self._simulations, self._least, self._stopwatch
        )

    def decide(
        self,
        traders: Mapping[str, Trader],
        ready: Sequence[str],
        close_ns: int,
        arrived_s: float,
    ) -> SearchOutcome:
        """Search for those `ready` pairs that have no pending order.

        Args:
            traders: by pair.
            ready: pairs with an observation, in batch order.
            close_ns: end of the minute.
            arrived_s: stopwatch reading when the last bar arrived.
        """
        # While an order is pending, the pair's own position is not yet known.
        pairs = [pair for pair in ready if traders[pair].account.order is None]
        if not pairs:
            return SearchOutcome()
        asked = [traders[pair] for pair in pairs]
        rows = [t.observer.observe(t.account.position_features()) for t in asked]
        observation, positions = np.stack(rows), [t.account.position for t in asked]
        account = np.array([t.account.account_state for t in asked], np.int32)
        seed = search_seed(self._seed, close_ns, len(pairs))
        moment = moment_of([t.account for t in asked], close_ns)
        if not self._budget.known:
            self._warm_up(observation, account, seed, moment)
        planned_s = self._stopwatch()
        simulations = self._budget.choose(planned_s - arrived_s)
        result = self._planner.plan(observation, account, seed, simulations, moment)
        searched_s = self._stopwatch() - planned_s
        self._budget.measured(simulations, searched_s)
        asked_of_it = Asked(observation, account, seed, moment)
        left_s = self._deadline_s - (planned_s - arrived_s)
        self._offloading.measured(asked_of_it, simulations, searched_s, left_s)
        return SearchOutcome(
            pairs,
            result,
            simulations,
            [self._planner.tree(root, simulations) for root in range(len(pairs))],
            positions,
            [t.observer.threshold_pips() for t in asked],
            {"observe": 1e3 * (planned_s - arrived_s), "search": 1e3 * searched_s},
        )

    def reconsider(self) -> Move | None:
        """Let another backend take over from slow exported programs; see `Offloading`."""
        move = self._offloading.reconsider()
        if move is not None and move.backend is not None:
            self._budget = SimulationBudget(self._simulations, self._least, self._deadline_s)
            self._budget.measured(self._simulations, move.rival_s)
        return move

    def _warm_up(self, observation: F32, account: I32, seed: U64, moment: Moment) -> None:
        """Time small searches before the first real one, which has a deadline too."""
        for _ in range(2):  # the first one also allocates
            began_s = self._stopwatch()
            self._planner.plan(observation, account, seed, self._least, moment)
            seconds = self._stopwatch() - began_s
        self._budget.measured(self._least, seconds)
