"""The exact best policy of a planted edge, by dynamic programming over the filter's belief.

State: bars left, belief, position. Rules: FX's (flat, long, short; a reversal takes a close and,
one bar later, an entry), the round trip is charged on entry, an open position is closed at the end.
With ``X(m)`` the value of being long over the next bar at belief m and ``Y(m)`` that of being flat,
entering is worth ``X - cost`` and staying in ``X``: a single increasing gap ``D = X - Y`` gives
both thresholds, ``D = cost`` to enter and ``D = 0`` to leave. Short mirrors long at -m.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlx_muzero.market.synthetic.planted_edge import (
    PlantedEdge,
    filter_beliefs,
    largest_log_odds,
    log_odds,
    next_belief,
)
from mlx_muzero.market.synthetic.synthetic_bars import DAY_MINUTES, WEEK_BARS, day_profile
from mlx_muzero.types import F64, I64

_NEVER = 2.0

GRID_POINTS = 201


@dataclass(frozen=True, eq=False)
class PlantedOptimum:
    """The best policy and its value, for sessions starting at `R` minutes of the day.

    Attributes:
        edge: the market's parameters.
        session_bars: steps of one session.
        round_trip_cost_pips: cost of one trade.
        raster_minutes: spacing of the start minutes; R = 1440 / raster_minutes.
        expected_pips: ``f64[R]`` expected net pips of a session under the best policy.
        enter: ``f64[session_bars + 1, R]`` belief from which to enter long, by bars left; 2: never.
        leave: ``f64[session_bars + 1, R]`` belief at or below which to leave a long, by bars left.
    """

    edge: PlantedEdge
    session_bars: int
    round_trip_cost_pips: float
    raster_minutes: int
    expected_pips: F64
    enter: F64
    leave: F64

    @property
    def pip_size(self) -> float:
        """Price of one pip."""
        return self.edge.pip_size

    def read(self, close: F64, open_time_ns: I64) -> F64:
        """``f64[T]`` belief at each close, see `filter_beliefs`."""
        return filter_beliefs(close, open_time_ns, self.edge)

    def wanted_exposure(self, seen: F64, exposure: F64, bars_left: int, start_minute: I64) -> F64:
        """``f64[B]`` in {-1, 0, 1}, the exposure to move to.

        Args:
            seen: ``f64[B]`` belief at the decision bar, from `read`.
            exposure: ``f64[B]`` current exposure.
            bars_left: steps left in the session, including this one.
            start_minute: ``i64[B]`` minute of the day of the session's first decision, rounded to
                the raster.
        """
        raster = np.asarray(start_minute) / self.raster_minutes
        column = np.rint(raster).astype(np.int64) % len(self.expected_pips)
        enter, leave = self.enter[bars_left, column], self.leave[bars_left, column]
        from_flat = np.where(np.abs(seen) >= enter, np.sign(seen), 0.0)
        stays = exposure * seen > leave
        return np.where(exposure == 0.0, from_flat, np.where(stays, exposure, 0.0))

    def expected_pips_by_hour(self) -> F64:
        """``f64[24]`` expected pips averaged over the starts within each UTC hour."""
        return np.asarray(self.expected_pips.reshape(24, -1).mean(axis=1))

    def mean_expected_pips(self, open_minute: I64) -> float:
        """Expected pips averaged over all starts whose session ends before the weekend.

        Args:
            open_minute: UTC minute of the day at which each week opens, ``i64[W]``; an hour earlier
                in New York's summer.
        """
        starts = np.arange(WEEK_BARS - self.session_bars) + open_minute[:, None]
        column = np.rint(starts % DAY_MINUTES / self.raster_minutes).astype(np.int64)
        return float(self.expected_pips[column % len(self.expected_pips)].mean())


@lru_cache(maxsize=8)
def solve(
    edge: PlantedEdge,
    round_trip_cost_pips: float,
    session_bars: int,
    raster_minutes: int = 20,
    grid_points: int = GRID_POINTS,
    quadrature_points: int = 32,
) -> PlantedOptimum:
    """The best policy of `edge`, its thresholds and its expected net pips.

    Values are interpolated linearly between `grid_points` beliefs, evenly spaced in log odds;
    expectations over the next bar use Gauss-Hermite quadrature for each regime. A session starts at
    the filter's stationary belief (the fixed point of the same transition) and has no gaps. What
    was solved lately is kept, so its arrays are read-only.

    Args:
        edge: the market's parameters.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
        raster_minutes: spacing of the start minutes to solve for; must divide 60.
        grid_points: number of beliefs, odd.
        quadrature_points: quadrature nodes per regime.

    Raises:
        ValueError: an even grid, or a raster that does not divide 60.
    """
    if grid_points % 2 == 0 or 60 % raster_minutes:
        raise ValueError("grid_points must be odd and raster_minutes divide 60")
    odds = np.linspace(-1.0, 1.0, grid_points) * largest_log_odds(edge)
    belief = np.tanh(odds / 2.0)
    transition = _transition(edge, belief, odds, quadrature_points)
    starts = np.arange(0, DAY_MINUTES, raster_minutes)
    sigma = edge.mean_sigma_pips * day_profile()
    flat = np.zeros((grid_points, len(starts)))
    long = np.zeros_like(flat)
    enter = np.full((session_bars + 1, len(starts)), _NEVER)
    leave = np.full_like(enter, _NEVER)
    for bars_left in range(1, session_bars + 1):
        # The step with n bars left moves through the bar opening session_bars - n + 1 minutes in.
        moved = starts + session_bars - bars_left + 1
        gain = edge.kappa * belief[:, None] * sigma[moved % DAY_MINUTES]
        ahead = transition @ np.hstack([flat, long])
        stay_flat, stay_long = ahead[:, : len(starts)], ahead[:, len(starts) :] + gain
        gap = stay_long - stay_flat
        enter[bars_left] = _crossings(belief, gap, round_trip_cost_pips)
        leave[bars_left] = _crossings(belief, gap, 0.0)
        long = np.maximum(stay_long, stay_flat)
        gap_best = np.maximum(gap, gap[::-1]) - round_trip_cost_pips
        flat = stay_flat + np.maximum(gap_best, 0.0)
    expected = _stationary(transition) @ flat
    for shared in (expected, enter, leave):
        shared.flags.writeable = False
    return PlantedOptimum(
        edge=edge,
        session_bars=session_bars,
        round_trip_cost_pips=round_trip_cost_pips,
        raster_minutes=raster_minutes,
        expected_pips=expected,
        enter=enter,
        leave=leave,
    )


def _transition(edge: PlantedEdge, belief: F64, odds: F64, quadrature_points: int) -> F64:
    """``f64[G, G]`` transition probabilities between grid beliefs over one bar; rows sum to 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(quadrature_points)
    weights = weights / weights.sum()
    points = len(belief)
    transition = np.zeros((points, points))
    rows = np.repeat(np.arange(points), quadrature_points)
    for regime in (-1.0, 1.0):
        after = next_belief(edge, belief[:, None], regime * edge.kappa + nodes)
        place = (log_odds(after) - odds[0]) / (odds[1] - odds[0])
        low = np.clip(np.floor(place), 0, points - 2).astype(np.int64)
        share = np.clip(place - low, 0.0, 1.0)
        chance = (1.0 + regime * belief[:, None]) / 2.0 * weights
        np.add.at(transition, (rows, low.ravel()), (chance * (1.0 - share)).ravel())
        np.add.at(transition, (rows, low.ravel() + 1), (chance * share).ravel())
    return transition


def _stationary(transition: F64) -> F64:
    """``f64[G]`` stationary distribution."""
    points = len(transition)
    system = np.vstack([transition.T - np.eye(points), np.ones(points)])
    target = np.append(np.zeros(points), 1.0)
    return np.asarray(np.linalg.lstsq(system, target)[0])


def _crossings(belief: F64, gap: F64, level: float) -> F64:
    """``f64[R]`` belief at which each column of a rising `gap` ``f64[G, R]`` reaches `level`."""
    above = gap > level
    index = np.clip(above.argmax(axis=0), 1, None)
    columns = np.arange(gap.shape[1])
    low, high = gap[index - 1, columns], gap[index, columns]
    share = np.clip((level - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    crossing = belief[index - 1] + share * (belief[index] - belief[index - 1])
    return np.where(above.any(axis=0), crossing, _NEVER)
