"""The exact best policy of `PlantedPairs`, by dynamic programming over all pairs at once.

State: bars left, the state of every pair, and what is held: nothing, or one pair, along its drift
or against it. A finite chain: a next kick goes either way with equal chance, so kicks and noise
move nothing on average. Pairs are alike, so the one held comes first, and the order of the others
does not matter. Rules as in `mlx_muzero.market.synthetic.planted_optimum`; what leaves one pair
makes room for another in the same bar.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mlx_muzero.market.synthetic.planted_pairs import PlantedPairs, read_signed_states
from mlx_muzero.types import F64, I8, I32, I64

_STAY, _LEAVE = -1, -2
"""Decisions that are not the place of the pair to enter."""

_SETTLED_PIPS = 1e-9
"""Change of a bar's gain below which decisions repeat with every further bar."""

_MARGINS = (0.0, 0.5, 1.0, 2.0)


class Worth(NamedTuple):
    """``f64[S, ..., S]`` each: net pips to come by the states of all pairs, the one held first.

    Attributes:
        flat: of an account that holds nothing.
        along: of one that holds the first pair along its drift.
        against: of one that holds it against its drift.
    """

    flat: F64
    along: F64
    against: F64


class Decisions(NamedTuple):
    """``i8[S, ..., S]`` each: place of the pair to enter, or whether to stay or leave."""

    flat: I8
    along: I8
    against: I8


@dataclass(frozen=True, eq=False)
class PairsOptimum:
    """The best policy and its value.

    Attributes:
        market: the market's parameters.
        session_bars: steps of one session.
        round_trip_cost_pips: cost of one trade.
        expected_pips: expected net pips of one pair's session under the best policy.
        decisions: by bars left less one; the last ones repeat.
    """

    market: PlantedPairs
    session_bars: int
    round_trip_cost_pips: float
    expected_pips: float
    decisions: tuple[Decisions, ...]

    @property
    def entry_pips(self) -> tuple[float, ...]:
        """Cost of one trade, in every minute."""
        return (self.round_trip_cost_pips,)

    @property
    def max_entries(self) -> int:
        """Entries are not limited."""
        return 0

    @property
    def pip_size(self) -> float:
        """Price of one pip."""
        return self.market.pip_size

    @property
    def precision_pips(self) -> float:
        """Bound on the error of `expected_pips`."""
        return self.session_bars * _SETTLED_PIPS

    def read(self, close: F64, open_time_ns: I64) -> F64:
        """``f64[T]`` what each close tells of the next bar, see `read_signed_states`."""
        return read_signed_states(close, self.market).astype(np.float64)

    def wanted_exposure(
        self, seen: F64, exposure: F64, bars_left: int, start_minute: I64, entries_left: I32
    ) -> F64:
        """``f64[B]`` in {-1, 0, 1}, the exposure to move to.

        Args:
            seen: ``f64[B]`` signed state at the decision bar, from `read`; all pairs of one time
                follow one another.
            exposure: ``f64[B]`` current exposure.
            bars_left: steps left in the session, including this one.
            start_minute: ignored: every hour is alike.
            entries_left: ignored.

        Raises:
            ValueError: these are not whole groups of pairs.
        """
        if len(seen) % self.market.pairs:
            raise ValueError(f"expected whole groups of {self.market.pairs} pairs")
        seen, held = (a.reshape(-1, self.market.pairs) for a in (seen, exposure))
        group, first = np.arange(len(seen)), np.abs(held).argmax(axis=1)
        others = np.arange(1, self.market.pairs) - 1
        order = np.column_stack([first, others + (others >= first[:, None])])
        state = np.take_along_axis(np.abs(seen).astype(np.int64), order, axis=1)
        side = held[group, first] * np.sign(seen[group, first])
        here = self.decisions[min(bars_left, len(self.decisions)) - 1]
        places = tuple(state.T)
        decided = np.where(side > 0.0, here.along[places], here.against[places])
        decided = np.where(held.any(axis=1), decided, here.flat[places])
        wanted = np.where((decided == _STAY)[:, None], held, 0.0)
        enters = np.flatnonzero(decided >= 0)
        entered = order[enters, decided[enters]]
        wanted[enters, entered] = np.sign(seen[enters, entered])
        return wanted.ravel()


@lru_cache(maxsize=4)
def solve(market: PlantedPairs, round_trip_cost_pips: float, session_bars: int) -> PairsOptimum:
    """The best policy of `market` and its expected net pips, over sessions without gaps.

    A session starts where pairs are as they usually are. What was solved lately is kept, so its
    arrays are read-only.

    Args:
        market: the parameters.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
    """
    decisions: list[Decisions] = []

    def best(held: Worth) -> Worth:
        worth, decided = _chosen(held, round_trip_cost_pips)
        for shared in decided:
            shared.flags.writeable = False
        decisions.append(decided)
        return worth

    expected = _expected(market, session_bars, best)
    return PairsOptimum(market, session_bars, round_trip_cost_pips, expected, tuple(decisions))


@lru_cache(maxsize=4)
def greedy_pips(market: PlantedPairs, round_trip_cost_pips: float, session_bars: int) -> float:
    """Expected net pips of a pair's session of the best greedy rule on the perfect forecast.

    It gives the exposure to the pair whose drift brings most until it ends or the next kick comes,
    less the cost of entering it and a margin, chosen for what the rule earns.

    Args:
        market: the parameters.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
    """
    to_come = np.zeros(len(market.drift))
    survival = 1.0 - sum(market.kick_probabilities)
    for _ in range(max(market.strong_bars, market.weak_bars)):
        to_come = market.drift + survival * np.where(market.drift > 0.0, to_come[market.older], 0.0)
    cost = round_trip_cost_pips
    return max(
        _index_pips(market, cost, session_bars, to_come, -to_come, to_come - cost - margin)
        for margin in _MARGINS
    )


@lru_cache(maxsize=4)
def as_if_alone_pips(market: PlantedPairs, round_trip_cost_pips: float, session_bars: int) -> float:
    """Expected net pips of a pair's session of planning for each pair as if it were alone.

    The exposure goes to the pair to which it is worth most, beyond what being flat is worth to it.

    Args:
        market: the parameters.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
    """
    alone = Worth(*(np.zeros(len(market.drift)) for _ in Worth._fields))
    held = alone
    for _ in range(session_bars):
        held = _held(market, alone)
        alone, _ = _chosen(held, round_trip_cost_pips)
    along, against = held.along - held.flat, held.against - held.flat
    cost = round_trip_cost_pips
    return _index_pips(market, cost, session_bars, along, against, along - cost)


def _expected(market: PlantedPairs, session_bars: int, decide: Callable[[Worth], Worth]) -> float:
    """Net pips of a pair's session under decisions, which are told what follows each."""
    shape = (len(market.drift),) * market.pairs
    worth = Worth(*(np.zeros(shape) for _ in Worth._fields))
    before, gained = worth, np.full((3, *shape), np.inf)
    for bars in range(1, session_bars + 1):
        worth = decide(_held(market, before))
        gain = np.stack(worth) - np.stack(before)
        settled = np.abs(gain - gained).max() < _SETTLED_PIPS
        before, gained = worth, gain
        if settled:
            # Every further bar gains the same, whatever the state.
            total = _usual(market, worth.flat) + (session_bars - bars) * float(gain.mean())
            return total / market.pairs
    return _usual(market, worth.flat) / market.pairs


def _held(market: PlantedPairs, worth: Worth) -> Worth:
    """What holding each over the next bar is worth, if `worth` follows it."""
    kicked, older = _transitions(market)
    every = kicked + older
    flat, along, against = worth
    for axis in range(1, flat.ndim):
        flat, along, against = (_along(every, a, axis) for a in (flat, along, against))
    either = _along(kicked, (along + against) / 2.0, 0)
    drift = market.drift.reshape(-1, *(1,) * (flat.ndim - 1))
    return Worth(
        _along(every, flat, 0),
        _along(older, along, 0) + either + drift,
        _along(older, against, 0) + either - drift,
    )


def _transitions(market: PlantedPairs) -> tuple[F64, F64]:
    """``f64[S, S]`` each: chance of each next state by a kick, and without one."""
    states = np.arange(len(market.drift))
    kicked, older = np.zeros((2, len(states), len(states)))
    kicked[:, market.first_states] = market.kick_probabilities
    older[states, market.older] = 1.0 - sum(market.kick_probabilities)
    return kicked, older


def _along(matrix: F64, worth: F64, axis: int) -> F64:
    """Mean of `worth` over what follows the state on one axis."""
    return np.moveaxis(np.tensordot(matrix, worth, axes=(1, axis)), 0, axis)


def _chosen(held: Worth, cost: float) -> tuple[Worth, Decisions]:
    """The best of what can be held, and what to do for it."""
    pairs = held.flat.ndim
    entered = [np.moveaxis(held.along - cost, 0, pair) for pair in range(pairs)]
    flat = _best([(_STAY, held.flat), *enumerate(entered)])
    moves = [(_LEAVE, held.flat), *((pair, entered[pair]) for pair in range(1, pairs))]
    along, against = (_best([(_STAY, stays), *moves]) for stays in (held.along, held.against))
    worth = Worth(flat[0], along[0], against[0])
    return worth, Decisions(flat[1], along[1], against[1])


def _best(choices: list[tuple[int, F64]]) -> tuple[F64, I8]:
    """The greatest of named choices, and its name; the first of equal ones."""
    (name, worth), *others = choices
    decided = np.full(worth.shape, name, np.int8)
    for name, other in others:
        better = other > worth
        worth, decided = np.where(better, other, worth), np.where(better, np.int8(name), decided)
    return worth, decided


def _index_pips(
    market: PlantedPairs, cost: float, session_bars: int, along: F64, against: F64, enter: F64
) -> float:
    """Expected net pips of a pair's session where the greatest index has the exposure.

    Args:
        market: the parameters.
        cost: of one trade.
        session_bars: steps of one session.
        along: ``f64[S]`` index of a pair held along its drift.
        against: ``f64[S]`` index of one held against it.
        enter: ``f64[S]`` index of one that is not held. Below 0, nothing is held instead.
    """
    pairs = market.pairs

    def of(pair: int, index: F64) -> F64:
        shape = [1] * pairs
        shape[pair] = len(index)
        return np.broadcast_to(index.reshape(shape), (len(index),) * pairs)

    offers = list(enumerate(of(pair, enter) for pair in range(pairs)))
    nothing = np.zeros((len(enter),) * pairs)
    _, flat = _best([(_STAY, nothing), *offers])
    holds = [
        _best([(_LEAVE, nothing), (_STAY, of(0, index)), *offers[1:]])[1]
        for index in (along, against)
    ]
    decisions = Decisions(flat, *holds)

    def follow(held: Worth) -> Worth:
        entered = [np.moveaxis(held.along - cost, 0, pair) for pair in range(pairs)]
        stays = (held.flat, held.along, held.against)
        return Worth(
            *(
                np.select(
                    [decided == _LEAVE, *(decided == pair for pair in range(pairs))],
                    [held.flat, *entered],
                    stay,
                )
                for decided, stay in zip(decisions, stays, strict=True)
            )
        )

    return _expected(market, session_bars, follow)


def _usual(market: PlantedPairs, worth: F64) -> float:
    """Mean of `worth` over the states in which pairs are when a session starts."""
    kicked, older = _transitions(market)
    every = kicked + older
    usual = np.full(len(every), 1.0 / len(every))
    for _ in range(20 * len(every)):
        usual = usual @ every
    for _ in range(market.pairs):
        worth = np.tensordot(usual, worth, axes=(0, 0))
    return float(worth)
