"""The belief of a planted edge as a finite chain, and when its sessions start.

Beliefs lie on a grid, evenly spaced in log odds, and are interpolated linearly between its points;
expectations over the next bar use Gauss-Hermite quadrature for each regime. Starts lie on a raster
of minutes, each followed by the minutes through which costs go before they repeat: volatility and
costs at every step follow from the start.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlx_muzero.market.synthetic.planted_edge import (
    PlantedEdge,
    largest_log_odds,
    log_odds,
    next_belief,
)
from mlx_muzero.market.synthetic.synthetic_bars import DAY_MINUTES, WEEK_BARS, day_profile
from mlx_muzero.types import F64, I64

GRID_POINTS = 201

HOURLY = 60
"""Raster of starts, in minutes, for what takes long to solve for every one."""


@dataclass(frozen=True, eq=False)
class BeliefChain:
    """Beliefs on a grid of `G` points.

    Attributes:
        belief: ``f64[G]`` rising; its middle is 0.
        transition: ``f64[G, G]`` chance of each belief after the next bar; rows sum to 1.
        stationary: ``f64[G]`` chance of each belief when a session starts.
    """

    belief: F64
    transition: F64
    stationary: F64


@lru_cache(maxsize=8)
def chain_of(
    edge: PlantedEdge, grid_points: int = GRID_POINTS, quadrature_points: int = 32
) -> BeliefChain:
    """The chain of `edge`; what was computed lately is kept, so its arrays are read-only.

    Args:
        edge: the market's parameters.
        grid_points: number of beliefs, odd.
        quadrature_points: quadrature nodes per regime.

    Raises:
        ValueError: an even grid.
    """
    if grid_points % 2 == 0:
        raise ValueError("grid_points must be odd")
    odds = np.linspace(-1.0, 1.0, grid_points) * largest_log_odds(edge)
    belief = np.tanh(odds / 2.0)
    transition = _transition(edge, belief, odds, quadrature_points)
    chain = BeliefChain(belief, transition, _stationary(transition))
    for shared in vars(chain).values():
        shared.flags.writeable = False
    return chain


@dataclass(frozen=True)
class Starts:
    """Minutes of the day at which sessions start: `C` columns of every array over them.

    Attributes:
        raster_minutes: spacing; must divide 60.
        entry_pips: cost of entering a trade, by the minute of the decision modulo their number,
            which must divide a day.
        session_bars: steps of one session.
    """

    raster_minutes: int
    entry_pips: tuple[float, ...]
    session_bars: int

    def __post_init__(self) -> None:
        """Check the divisors.

        Raises:
            ValueError: the raster does not divide 60, or the phases of the costs do not divide a
                day.
        """
        if 60 % self.raster_minutes or DAY_MINUTES % self.phases:
            raise ValueError("the raster must divide 60, and the phases of the costs 1440")

    @property
    def phases(self) -> int:
        """Minutes after which costs repeat."""
        return len(self.entry_pips)

    @property
    def minute(self) -> I64:
        """``i64[C]`` minute of the day of the first decision."""
        raster = np.arange(0, DAY_MINUTES, self.raster_minutes)[:, None]
        return (raster + np.arange(self.phases)).ravel()

    def column(self, minute: I64) -> I64:
        """The column of sessions that start at `minute` of the day, same shape."""
        phase = np.asarray(minute) % self.phases
        raster = np.rint((minute - phase) / self.raster_minutes).astype(np.int64)
        columns = DAY_MINUTES // self.raster_minutes * self.phases
        return np.asarray((raster * self.phases + phase) % columns)

    def paid(self, bars_left: int) -> F64:
        """``f64[C]`` cost of entering with so many steps left."""
        decided = self.minute + self.session_bars - bars_left
        return np.array(self.entry_pips, np.float64)[decided % self.phases]

    def drift(self, edge: PlantedEdge, bars_left: int) -> F64:
        """``f64[C]`` pips by which the next bar drifts in a regime of 1 known for certain."""
        # The step with n bars left moves through the bar opening session_bars - n + 1 minutes in.
        moved = self.minute + self.session_bars - bars_left + 1
        return edge.kappa * (edge.mean_sigma_pips * day_profile())[moved % DAY_MINUTES]

    def week_mean(self, pips: F64, open_minute: I64) -> float:
        """``pips`` ``f64[C]``, averaged over all starts whose session ends before the weekend.

        Args:
            pips: of sessions by column.
            open_minute: UTC minute of the day at which each week opens, ``i64[W]``; an hour earlier
                in New York's summer.
        """
        starts = np.arange(WEEK_BARS - self.session_bars) + open_minute[:, None]
        return float(pips[self.column(starts % DAY_MINUTES)].mean())


def clocked_pips(usual_pips: float, every_minutes: int, due_pips: float) -> tuple[float, ...]:
    """Cost of entering, by the minute: `due_pips` every so many minutes, `usual_pips` else."""
    return (due_pips, *(usual_pips,) * (every_minutes - 1))


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
