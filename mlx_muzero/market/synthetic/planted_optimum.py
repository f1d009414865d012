"""The exact best policy of a planted edge, by dynamic programming over the filter's belief.

State: bars left, belief, position and, where they are limited, entries left. Rules: FX's (flat,
long, short; a reversal takes a close and, one bar later, an entry), the round trip is charged on
entry, at the cost of the minute, an open position is closed at the end. With ``X(m)`` the value of
being long over the next bar at belief m and ``Y(m)`` that of being flat, entering is worth
``X - cost`` and staying in ``X``: a single increasing gap ``D = X - Y`` gives both thresholds,
``D = cost`` to enter and ``D = 0`` to leave. An entry that counts leads to the X of one entry less.
Short mirrors long at -m.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlx_muzero.market.synthetic.belief_chain import GRID_POINTS, BeliefChain, Starts, chain_of
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge, filter_beliefs
from mlx_muzero.types import F64, I32, I64

_NEVER = 2.0

_IMPOSSIBLE = -1e12


@dataclass(frozen=True, eq=False)
class PlantedOptimum:
    """The best policy and its value, for sessions that start in the `C` columns of `starts`.

    Attributes:
        edge: the market's parameters.
        starts: when sessions start, how long they are, and what entering costs.
        max_entries: entries that a session allows; 0: any number.
        expected_pips: ``f64[C]`` expected net pips of a session under the best policy.
        enter: ``f64[session_bars + 1, E, C]`` belief from which to enter long, by bars left and
            entries left, 0 to `max_entries`; 2: never; below 0: on the likelier side, however
            small the difference.
        leave: ``f64[session_bars + 1, E, C]`` belief at or below which to leave a long.
    """

    edge: PlantedEdge
    starts: Starts
    max_entries: int
    expected_pips: F64
    enter: F64
    leave: F64

    @property
    def session_bars(self) -> int:
        """Steps of one session."""
        return self.starts.session_bars

    @property
    def entry_pips(self) -> tuple[float, ...]:
        """Cost of one trade, by the minute of its entry."""
        return self.starts.entry_pips

    @property
    def pip_size(self) -> float:
        """Price of one pip."""
        return self.edge.pip_size

    def read(self, close: F64, open_time_ns: I64) -> F64:
        """``f64[T]`` belief at each close, see `filter_beliefs`."""
        return filter_beliefs(close, open_time_ns, self.edge)

    def wanted_exposure(
        self, seen: F64, exposure: F64, bars_left: int, start_minute: I64, entries_left: I32
    ) -> F64:
        """``f64[B]`` in {-1, 0, 1}, the exposure to move to.

        Args:
            seen: ``f64[B]`` belief at the decision bar, from `read`.
            exposure: ``f64[B]`` current exposure.
            bars_left: steps left in the session, including this one.
            start_minute: ``i64[B]`` minute of the day of the session's first decision, rounded to
                the raster.
            entries_left: ``i32[B]`` of the session; 0 where they are not limited.
        """
        at = bars_left, entries_left, self.starts.column(start_minute)
        enter, leave = self.enter[at], self.leave[at]
        from_flat = np.where(np.abs(seen) >= enter, np.sign(seen), 0.0)
        stays = exposure * seen > leave
        return np.where(exposure == 0.0, from_flat, np.where(stays, exposure, 0.0))

    def expected_pips_by_hour(self) -> F64:
        """``f64[24]`` expected pips averaged over the starts within each UTC hour."""
        return np.asarray(self.expected_pips.reshape(24, -1).mean(axis=1))

    def mean_expected_pips(self, open_minute: I64) -> float:
        """Expected pips averaged over all starts of the weeks that open at `open_minute`."""
        return self.starts.week_mean(self.expected_pips, open_minute)


@lru_cache(maxsize=8)
def solve(
    edge: PlantedEdge,
    entry_pips: float | tuple[float, ...],
    session_bars: int,
    raster_minutes: int = 20,
    grid_points: int = GRID_POINTS,
    quadrature_points: int = 32,
    max_entries: int = 0,
) -> PlantedOptimum:
    """The best policy of `edge`, its thresholds and its expected net pips.

    A session starts at the filter's stationary belief (the fixed point of the same transition) and
    has no gaps. What was solved lately is kept, so its arrays are read-only.

    Args:
        edge: the market's parameters.
        entry_pips: cost of one trade; several by the minute at which it is entered, modulo their
            number.
        session_bars: steps of one session.
        raster_minutes: spacing of the start minutes to solve for; must divide 60.
        grid_points: number of beliefs, odd.
        quadrature_points: quadrature nodes per regime.
        max_entries: entries that a session allows; 0: any number.

    Raises:
        ValueError: an even grid, or a raster or phases that do not divide 60 and 1440.
    """
    by_minute = entry_pips if isinstance(entry_pips, tuple) else (float(entry_pips),)
    starts = Starts(raster_minutes, by_minute, session_bars)
    chain = chain_of(edge, grid_points, quadrature_points)
    flat = np.zeros((grid_points, max_entries + 1, len(starts.minute)))
    long = np.zeros_like(flat)
    enter = np.full((session_bars + 1, *flat.shape[1:]), _NEVER)
    leave = np.full_like(enter, _NEVER)
    for bars_left in range(1, session_bars + 1):
        stay_flat, stay_long = held(edge, chain, starts, bars_left, flat, long)
        gap, paid = entered(stay_long) - stay_flat, starts.paid(bars_left)
        enter[bars_left] = _crossings(chain.belief, gap, paid)
        leave[bars_left] = _crossings(chain.belief, stay_long - stay_flat, np.zeros_like(paid))
        long = np.maximum(stay_long, stay_flat)
        gap_best = np.maximum(gap, gap[::-1]) - paid
        flat = stay_flat + np.maximum(gap_best, 0.0)
    expected = chain.stationary @ flat[:, -1]
    for shared in (expected, enter, leave):
        shared.flags.writeable = False
    return PlantedOptimum(edge, starts, max_entries, expected, enter, leave)


def held(
    edge: PlantedEdge, chain: BeliefChain, starts: Starts, bars_left: int, flat: F64, long: F64
) -> tuple[F64, F64]:
    """``f64[G, E, C]`` each: net pips of being flat and long over the next bar and from there on.

    Args:
        edge: the market's parameters.
        chain: its beliefs.
        starts: of the sessions.
        bars_left: steps left, including this one.
        flat: ``f64[G, E, C]`` net pips to come of a flat account after the bar, by entries left.
        long: ``f64[G, E, C]`` the same of a long one.
    """
    gain = chain.belief[:, None, None] * starts.drift(edge, bars_left)
    both = np.concatenate([flat, long], axis=1)
    ahead = (chain.transition @ both.reshape(len(both), -1)).reshape(both.shape)
    return ahead[:, : flat.shape[1]], ahead[:, flat.shape[1] :] + gain


def entered(long: F64) -> F64:
    """``f64[G, E, C]`` net pips to come after an entry, by the entries left before it.

    Args:
        long: ``f64[G, E, C]`` of a long account by entries left. Only one such number means that
            they are not limited.
    """
    if long.shape[1] == 1:
        return long
    return np.concatenate([np.full_like(long[:, :1], _IMPOSSIBLE), long[:, :-1]], axis=1)


def _crossings(belief: F64, gap: F64, level: F64) -> F64:
    """``f64[E, C]`` belief at which each column of a rising `gap` reaches its level.

    `gap` is ``f64[G, E, C]`` and `level` ``f64[C]``.
    """
    above = gap > level
    index = np.clip(above.argmax(axis=0), 1, None)
    columns = np.indices(index.shape)
    low, high = gap[index - 1, *columns], gap[index, *columns]
    share = np.clip((level - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    crossing = belief[index - 1] + share * (belief[index] - belief[index - 1])
    return np.where(above.any(axis=0), crossing, _NEVER)
