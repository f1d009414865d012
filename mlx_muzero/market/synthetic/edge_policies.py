"""What simpler policies than the best one expect on a planted edge, by dynamic programming too.

They know the belief and the cost of entering now, as the best policy does. What they lack is its
plan: the greedy rule compares the drift to come with today's cost, and whoever plans as if one cost
stayed in force does not know that a cheaper minute comes.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from mlx_muzero.market.synthetic.belief_chain import BeliefChain, Starts, chain_of
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge
from mlx_muzero.market.synthetic.planted_optimum import entered, held
from mlx_muzero.types import F64, Bool

Decide = Callable[[int], tuple[Bool, Bool]]
"""``bool[G, C]`` each, by bars left: whether to enter long, and whether a long stays."""

_MARGINS = tuple(np.arange(-3.0, 1.01, 0.5).tolist())
_CHOOSY_MARGINS = (2.0, 3.0, 4.0, 6.0, 8.0)
"""For those who may not enter often."""

_STOPS = tuple(np.arange(-3.0, 0.01, 0.5).tolist())
_CHOOSING_BARS = 120
"""Longer sessions repeat what these show of a rule that does not change with time."""

_USUAL_STOP = -1.0
"""The margin is chosen first, with this stop."""

_COARSE_POINTS = 51
"""Beliefs to choose constants by: near the best ones, a rule earns about the same."""

_GRID_POINTS = 101


@lru_cache(maxsize=8)
def greedy_pips(edge: PlantedEdge, starts: Starts, max_entries: int = 0) -> F64:
    """``f64[C]`` expected net pips of the best greedy rule on the perfect forecast.

    It enters where the drift that all bars to come are expected to bring exceeds today's cost by a
    margin, and leaves where that drift falls below a stop: constants, chosen for what they earn.

    Args:
        edge: the market's parameters.
        starts: of the sessions.
        max_entries: entries that a session allows; 0: any number.
    """
    # Entries are the scarcer the longer they have to last.
    bars = starts.session_bars if max_entries else min(starts.session_bars, _CHOOSING_BARS)
    few = replace(starts, session_bars=bars)

    def earned(margin: float, stop: float, of: Starts = few, points: int = _COARSE_POINTS) -> F64:
        chain = chain_of(edge, points)
        return _expected(edge, chain, of, _greedy(edge, chain, of, margin, stop), max_entries)

    margins = _MARGINS + _CHOOSY_MARGINS * (max_entries > 0)
    margin = max(margins, key=lambda each: earned(each, _USUAL_STOP).mean())
    stop = max(_STOPS, key=lambda each: earned(margin, each).mean())
    return earned(margin, stop, starts, _GRID_POINTS)


@lru_cache(maxsize=8)
def as_if_pips(
    edge: PlantedEdge, starts: Starts, believed: tuple[float, ...], max_entries: int = 0
) -> F64:
    """``f64[C]`` expected net pips of planning as if one cost stayed in force from now on.

    And as if entries were not limited: it enters as often as it may, wherever that would pay then.

    Args:
        edge: the market's parameters.
        starts: of the sessions, with what entering really costs.
        believed: the cost that is taken to stay, by the minute of the decision; as many as there
            are phases of the costs.
        max_entries: entries that a session allows; 0: any number.
    """
    chain = chain_of(edge, _GRID_POINTS)
    decide = _planned_as_if(edge, chain, starts, believed)
    return _expected(edge, chain, starts, decide, max_entries)


def _greedy(
    edge: PlantedEdge, chain: BeliefChain, starts: Starts, margin: float, stop: float
) -> Decide:
    def decide(bars_left: int) -> tuple[Bool, Bool]:
        to_come = chain.belief[:, None] * starts.drift(edge, bars_left) / (1.0 - edge.persistence)
        return to_come - starts.paid(bars_left) > margin, to_come > stop

    return decide


def _planned_as_if(
    edge: PlantedEdge, chain: BeliefChain, starts: Starts, believed: tuple[float, ...]
) -> Decide:
    """Solves, with every call, one more step of the session under each cost that is believed."""
    costs = sorted(set(believed))
    worth = {cost: (np.zeros((len(chain.belief), 1, len(starts.minute))),) * 2 for cost in costs}

    def decide(bars_left: int) -> tuple[Bool, Bool]:
        phase = (starts.minute + starts.session_bars - bars_left) % starts.phases
        now = np.array(believed)[phase]
        gap = np.zeros((len(chain.belief), len(now)))
        for cost in costs:
            flat, long = held(edge, chain, starts, bars_left, *worth[cost])
            ahead = long - flat
            either = np.maximum(ahead, ahead[::-1])
            worth[cost] = flat + np.maximum(either - cost, 0.0), np.maximum(long, flat)
            gap = np.where(now == cost, ahead[:, 0], gap)
        return gap > now, gap > 0.0

    return decide


def _expected(
    edge: PlantedEdge, chain: BeliefChain, starts: Starts, decide: Decide, max_entries: int
) -> F64:
    """``f64[C]`` net pips of a session under the policy `decide`; short mirrors long."""
    flat = long = np.zeros((len(chain.belief), max_entries + 1, len(starts.minute)))
    likelier = chain.belief[:, None, None] >= 0.0
    for bars_left in range(1, starts.session_bars + 1):
        hold_flat, hold_long = held(edge, chain, starts, bars_left, flat, long)
        enter, stays = (each[:, None] for each in decide(bars_left))
        after = entered(hold_long)
        side = np.where(likelier, after, after[::-1]) - starts.paid(bars_left)
        allowed = np.arange(max_entries + 1)[:, None] >= min(max_entries, 1)
        enters = np.where(likelier, enter, enter[::-1]) & allowed
        flat = np.where(enters, side, hold_flat)
        long = np.where(stays, hold_long, hold_flat)
    return np.asarray(chain.stationary @ flat[:, -1])
