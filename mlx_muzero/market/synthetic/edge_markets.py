"""Makes the markets that have the bars of a planted edge, and differ in the rules of trading."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.synthetic.belief_chain import GRID_POINTS, HOURLY, Starts, clocked_pips
from mlx_muzero.market.synthetic.edge_policies import as_if_pips, greedy_pips
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge, draw_changes
from mlx_muzero.market.synthetic.planted_optimum import PlantedOptimum, solve
from mlx_muzero.market.synthetic.synthetic_bars import (
    FIRST_WEEK_NS,
    bars_from_changes,
    fx_calendar,
    minute_of_day,
    sigma_pips,
    week_opens,
)
from mlx_muzero.market.synthetic.truth import Truth, truth_of
from mlx_muzero.types import F64

_COARSE_POINTS = GRID_POINTS // 2 + 1


def planted_edge(
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float = 4.0,
    session_bars: int = 360,
    edge: PlantedEdge | None = None,
    start_ns: int = FIRST_WEEK_NS,
    hole_frac: float = 0.0,
) -> tuple[Bars, Truth]:
    """A market with a hidden regime and a known best policy (`planted_edge`).

    Args:
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
        edge: the market's parameters; None for the defaults of `PlantedEdge`.
        start_ns: the first week opens at or after this time.
        hole_frac: share of missing bars; the expectations assume unbroken sessions.

    Raises:
        ValueError: `days` or `hole_frac` is out of range.
    """
    edge = PlantedEdge() if edge is None else edge

    def simpler(starts: Starts) -> dict[str, F64]:
        return {"greedy_pips_per_session": greedy_pips(edge, starts)}

    return _made(
        "planted_edge",
        (seed, days, start_ns, hole_frac),
        edge,
        round_trip_cost_pips,
        partial(solve, edge, round_trip_cost_pips, session_bars),
        simpler,
        best_policy="belief thresholds by bars left and start minute",
        method="dynamic programming over bars left, filter belief and position; Gauss-Hermite "
        "quadrature; starts from the filter's stationary belief, evenly over the week",
    )


def planted_wait(
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float = 6.0,
    session_bars: int = 360,
    edge: PlantedEdge | None = None,
    cost_clock_minutes: int = 5,
    cost_clock_pips: float = 2.0,
    start_ns: int = FIRST_WEEK_NS,
    hole_frac: float = 0.0,
) -> tuple[Bars, Truth]:
    """The bars of `planted_edge`, but costs follow a clock: it pays to wait for the cheap minute.

    Args:
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade in most minutes.
        session_bars: steps of one session.
        edge: the market's parameters; None for the defaults of `PlantedEdge`.
        cost_clock_minutes: every so many minutes a trade costs `cost_clock_pips`; divides a day.
        cost_clock_pips: see there.
        start_ns: the first week opens at or after this time.
        hole_frac: share of missing bars; the expectations assume unbroken sessions.

    Raises:
        ValueError: `days`, `hole_frac` or the clock is out of range.
    """
    edge = PlantedEdge() if edge is None else edge
    entry_pips = clocked_pips(round_trip_cost_pips, cost_clock_minutes, cost_clock_pips)
    mean_cost = (sum(entry_pips) / len(entry_pips),) * len(entry_pips)

    def simpler(starts: Starts) -> dict[str, F64]:
        return {
            "greedy_pips_per_session": greedy_pips(edge, starts),
            "as_if_cost_stayed_pips_per_session": as_if_pips(edge, starts, entry_pips),
            "as_if_mean_cost_pips_per_session": as_if_pips(edge, starts, mean_cost),
        }

    return _made(
        "planted_wait",
        (seed, days, start_ns, hole_frac),
        edge,
        round_trip_cost_pips,
        partial(solve, edge, entry_pips, session_bars, HOURLY),
        simpler,
        best_policy="belief thresholds by bars left, start minute and phase of the costs",
        method="as for planted_edge, with the cost of each minute",
        cost_clock_minutes=cost_clock_minutes,
        cost_clock_pips=cost_clock_pips,
    )


def planted_scarce(
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float = 4.0,
    session_bars: int = 360,
    edge: PlantedEdge | None = None,
    max_entries: int = 4,
    start_ns: int = FIRST_WEEK_NS,
    hole_frac: float = 0.0,
) -> tuple[Bars, Truth]:
    """The bars of `planted_edge`, but a session allows few entries: it pays to save them.

    Args:
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
        edge: the market's parameters; None for the defaults of `PlantedEdge`.
        max_entries: that a session allows, at least 1.
        start_ns: the first week opens at or after this time.
        hole_frac: share of missing bars; the expectations assume unbroken sessions.

    Raises:
        ValueError: `days`, `hole_frac` or `max_entries` is out of range.
    """
    if max_entries < 1:
        raise ValueError(f"max_entries is {max_entries}; planted_edge is the market without limit")
    edge = PlantedEdge() if edge is None else edge

    def simpler(starts: Starts) -> dict[str, F64]:
        heedless = as_if_pips(edge, starts, starts.entry_pips, max_entries)
        return {
            "greedy_pips_per_session": greedy_pips(edge, starts, max_entries),
            "as_if_unlimited_pips_per_session": heedless,
        }

    return _made(
        "planted_scarce",
        (seed, days, start_ns, hole_frac),
        edge,
        round_trip_cost_pips,
        partial(solve, edge, round_trip_cost_pips, session_bars, HOURLY, max_entries=max_entries),
        simpler,
        best_policy="belief thresholds by bars left, entries left and start minute",
        method="as for planted_edge, with the entries left",
        max_entries=max_entries,
    )


def _made(
    kind: MarketKind,
    drawn: tuple[int, int, int, float],
    edge: PlantedEdge,
    round_trip_cost_pips: float,
    solved: Callable[..., PlantedOptimum],
    simpler: Callable[[Starts], Mapping[str, F64]],
    *,
    best_policy: str,
    method: str,
    **rules: object,
) -> tuple[Bars, Truth]:
    """The bars of a planted edge, and the truth under some rules.

    Args:
        kind: of the market.
        drawn: seed, days, start and share of holes of the bars.
        edge: the market's parameters.
        round_trip_cost_pips: cost of one trade.
        solved: finds the best policy, on `grid_points` beliefs if they are given.
        simpler: net pips that simpler policies expect, ``f64[C]`` by the name in the truth.
        best_policy: what it does, in words.
        method: how it was found.
        rules: for the truth, those that only this kind has.
    """
    seed, days, start_ns, hole_frac = drawn
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    change = draw_changes(edge, open_time_ns, rng)
    optimum, coarse = solved(), solved(grid_points=_COARSE_POINTS)
    open_minute = minute_of_day(week_opens(days, start_ns))
    expected = optimum.mean_expected_pips(open_minute)
    starts = Starts(HOURLY, optimum.entry_pips, optimum.session_bars)
    truth = truth_of(
        kind,
        seed=seed,
        days=days,
        hole_frac=hole_frac,
        parameters=edge.as_dict(),
        round_trip_cost_pips=round_trip_cost_pips,
        session_bars=optimum.session_bars,
        expected_pips=expected,
        expected_by_hour=optimum.expected_pips_by_hour().tolist(),
        best_policy=best_policy,
        method=method,
        # Linear interpolation errs by the square of the spacing: a third of what halving changes.
        precision_pips=abs(expected - coarse.mean_expected_pips(open_minute)) / 3.0,
        **{name: starts.week_mean(pips, open_minute) for name, pips in simpler(starts).items()},
        **rules,
    )
    sigma = sigma_pips(open_time_ns, edge.mean_sigma_pips)
    return bars_from_changes(kind.upper(), open_time_ns, change, sigma, edge.pip_size, rng), truth
