"""Synthetic markets whose best policy is known, to measure a trained agent against.

Each maker returns bars and their truth, a JSON-able dict: ``kind``, ``seed``, ``parameters``,
the rules that the expectations assume (``round_trip_cost_pips``, ``session_bars``),
``expected_pips_per_session`` of the best policy, the same by UTC hour of the session's start,
``best_policy``, ``method`` and ``precision_pips``; of planted markets also what the greedy rule on
a perfect forecast expects, ``greedy_pips_per_session``. Where costs follow a clock,
``cost_clock_minutes`` and ``cost_clock_pips`` say which; where entries are limited, ``max_entries``
says how many a session allows; where several pairs share a limit, ``max_total_exposure`` and
``pairs``, and sessions are those of one pair. What a line earns is added where a market
is stored (`mlx_muzero.experiment.synthetic_market`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.synthetic.belief_chain import GRID_POINTS, HOURLY, Starts, clocked_pips
from mlx_muzero.market.synthetic.edge_policies import as_if_pips
from mlx_muzero.market.synthetic.edge_policies import greedy_pips as greedy_edge_pips
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.nonlinear_optimum import greedy_pips
from mlx_muzero.market.synthetic.nonlinear_optimum import solve as solve_nonlinear
from mlx_muzero.market.synthetic.pairs_market import planted_pairs
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge, draw_changes
from mlx_muzero.market.synthetic.planted_nonlinear import PlantedNonlinear
from mlx_muzero.market.synthetic.planted_nonlinear import draw_changes as draw_nonlinear_changes
from mlx_muzero.market.synthetic.planted_optimum import solve
from mlx_muzero.market.synthetic.synthetic_bars import (
    FIRST_WEEK_NS,
    Truth,
    bars_from_changes,
    fx_calendar,
    minute_of_day,
    sigma_pips,
    week_opens,
)
from mlx_muzero.types import F64


def random_walk(
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float = 4.0,
    session_bars: int = 360,
    mean_sigma_pips: float = 1.8,
    pip_size: float = 0.01,
    start_ns: int = FIRST_WEEK_NS,
    hole_frac: float = 0.0,
) -> tuple[Bars, Truth]:
    """An unpredictable market: independent Gaussian changes, volatility by hour.

    Args:
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
        mean_sigma_pips: standard deviation of a bar's change, averaged over the day.
        pip_size: price of one pip.
        start_ns: the first week opens at or after this time.
        hole_frac: share of missing bars.

    Raises:
        ValueError: `days` or `hole_frac` is out of range.
    """
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    sigma = sigma_pips(open_time_ns, mean_sigma_pips)
    change = sigma * rng.standard_normal(len(sigma))
    truth: Truth = {
        "kind": "random_walk",
        "seed": seed,
        "days": days,
        "hole_frac": hole_frac,
        "parameters": {"mean_sigma_pips": mean_sigma_pips, "pip_size": pip_size},
        "round_trip_cost_pips": round_trip_cost_pips,
        "session_bars": session_bars,
        "expected_pips_per_session": 0.0,
        "expected_pips_by_start_hour": [0.0] * 24,
        "best_policy": "flat",
        "method": "changes are independent with mean zero, so a trade's expected net is its cost",
        "precision_pips": 0.0,
    }
    bars = bars_from_changes("RANDOM_WALK", open_time_ns, change, sigma, pip_size, rng)
    return bars, truth


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
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    change = draw_changes(edge, open_time_ns, rng)
    optimum = solve(edge, round_trip_cost_pips, session_bars)
    coarse = solve(edge, round_trip_cost_pips, session_bars, grid_points=GRID_POINTS // 2 + 1)
    open_minute = minute_of_day(week_opens(days, start_ns))
    expected = optimum.mean_expected_pips(open_minute)
    starts = Starts(HOURLY, optimum.entry_pips, session_bars)
    truth: Truth = {
        "kind": "planted_edge",
        "seed": seed,
        "days": days,
        "hole_frac": hole_frac,
        "parameters": edge.as_dict(),
        "round_trip_cost_pips": round_trip_cost_pips,
        "session_bars": session_bars,
        "expected_pips_per_session": expected,
        "expected_pips_by_start_hour": optimum.expected_pips_by_hour().tolist(),
        "greedy_pips_per_session": starts.week_mean(greedy_edge_pips(edge, starts), open_minute),
        "best_policy": "belief thresholds by bars left and start minute",
        "method": "dynamic programming over bars left, filter belief and position; Gauss-Hermite "
        "quadrature; starts from the filter's stationary belief, evenly over the week",
        # Linear interpolation errs by the square of the spacing: a third of what halving changes.
        "precision_pips": abs(expected - coarse.mean_expected_pips(open_minute)) / 3.0,
    }
    sigma = sigma_pips(open_time_ns, edge.mean_sigma_pips)
    bars = bars_from_changes("PLANTED_EDGE", open_time_ns, change, sigma, edge.pip_size, rng)
    return bars, truth


def planted_nonlinear(
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float = 4.0,
    session_bars: int = 360,
    market: PlantedNonlinear | None = None,
    start_ns: int = FIRST_WEEK_NS,
    hole_frac: float = 0.0,
) -> tuple[Bars, Truth]:
    """A market whose uncorrelated changes announce drift all the same (`planted_nonlinear`).

    Args:
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
        market: its parameters; None for the defaults of `PlantedNonlinear`.
        start_ns: the first week opens at or after this time.
        hole_frac: share of missing bars; the expectations assume unbroken sessions.

    Raises:
        ValueError: `days` or `hole_frac` is out of range.
    """
    market = PlantedNonlinear() if market is None else market
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    change, sigma = draw_nonlinear_changes(market, len(open_time_ns), rng)
    optimum = solve_nonlinear(market, round_trip_cost_pips, session_bars)
    truth: Truth = {
        "kind": "planted_nonlinear",
        "seed": seed,
        "days": days,
        "hole_frac": hole_frac,
        "parameters": market.as_dict(),
        "round_trip_cost_pips": round_trip_cost_pips,
        "session_bars": session_bars,
        "expected_pips_per_session": optimum.expected_pips,
        "expected_pips_by_start_hour": [optimum.expected_pips] * 24,
        "greedy_pips_per_session": greedy_pips(market, round_trip_cost_pips, session_bars),
        "best_policy": "enter and leave by the last kick's age and the side it announced",
        "method": "dynamic programming over bars left, age of the last kick and position",
        "precision_pips": optimum.precision_pips,
    }
    bars = bars_from_changes("PLANTED_NONLINEAR", open_time_ns, change, sigma, market.pip_size, rng)
    return bars, truth


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
    starts = Starts(HOURLY, entry_pips, session_bars)
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    change = draw_changes(edge, open_time_ns, rng)
    optimum, coarse = (
        solve(edge, entry_pips, session_bars, HOURLY, points)
        for points in (GRID_POINTS, GRID_POINTS // 2 + 1)
    )
    open_minute = minute_of_day(week_opens(days, start_ns))
    expected = optimum.mean_expected_pips(open_minute)

    def week_mean(pips: F64) -> float:
        return starts.week_mean(pips, open_minute)

    mean_cost = (sum(entry_pips) / len(entry_pips),) * len(entry_pips)
    truth: Truth = {
        "kind": "planted_wait",
        "seed": seed,
        "days": days,
        "hole_frac": hole_frac,
        "parameters": edge.as_dict(),
        "round_trip_cost_pips": round_trip_cost_pips,
        "cost_clock_minutes": cost_clock_minutes,
        "cost_clock_pips": cost_clock_pips,
        "session_bars": session_bars,
        "expected_pips_per_session": expected,
        "expected_pips_by_start_hour": optimum.expected_pips_by_hour().tolist(),
        "greedy_pips_per_session": week_mean(greedy_edge_pips(edge, starts)),
        "as_if_cost_stayed_pips_per_session": week_mean(as_if_pips(edge, starts, entry_pips)),
        "as_if_mean_cost_pips_per_session": week_mean(as_if_pips(edge, starts, mean_cost)),
        "best_policy": "belief thresholds by bars left, start minute and phase of the costs",
        "method": "as for planted_edge, with the cost of each minute",
        "precision_pips": abs(expected - coarse.mean_expected_pips(open_minute)) / 3.0,
    }
    sigma = sigma_pips(open_time_ns, edge.mean_sigma_pips)
    bars = bars_from_changes("PLANTED_WAIT", open_time_ns, change, sigma, edge.pip_size, rng)
    return bars, truth


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
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    change = draw_changes(edge, open_time_ns, rng)
    optimum, coarse = (
        solve(edge, round_trip_cost_pips, session_bars, HOURLY, points, max_entries=max_entries)
        for points in (GRID_POINTS, GRID_POINTS // 2 + 1)
    )
    open_minute = minute_of_day(week_opens(days, start_ns))
    expected = optimum.mean_expected_pips(open_minute)
    starts = Starts(HOURLY, optimum.entry_pips, session_bars)
    heedless = as_if_pips(edge, starts, optimum.entry_pips, max_entries)
    greedy = greedy_edge_pips(edge, starts, max_entries)
    truth: Truth = {
        "kind": "planted_scarce",
        "seed": seed,
        "days": days,
        "hole_frac": hole_frac,
        "parameters": edge.as_dict(),
        "round_trip_cost_pips": round_trip_cost_pips,
        "max_entries": max_entries,
        "session_bars": session_bars,
        "expected_pips_per_session": expected,
        "expected_pips_by_start_hour": optimum.expected_pips_by_hour().tolist(),
        "greedy_pips_per_session": starts.week_mean(greedy, open_minute),
        "as_if_unlimited_pips_per_session": starts.week_mean(heedless, open_minute),
        "best_policy": "belief thresholds by bars left, entries left and start minute",
        "method": "as for planted_edge, with the entries left",
        "precision_pips": abs(expected - coarse.mean_expected_pips(open_minute)) / 3.0,
    }
    sigma = sigma_pips(open_time_ns, edge.mean_sigma_pips)
    bars = bars_from_changes("PLANTED_SCARCE", open_time_ns, change, sigma, edge.pip_size, rng)
    return bars, truth


_MAKERS: dict[MarketKind, Callable[..., tuple[Bars | tuple[Bars, ...], Truth]]] = {
    "random_walk": random_walk,
    "planted_edge": planted_edge,
    "planted_nonlinear": planted_nonlinear,
    "planted_wait": planted_wait,
    "planted_scarce": planted_scarce,
    "planted_pairs": planted_pairs,
}


def make_market(
    kind: MarketKind,
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float | None = None,
    session_bars: int = 360,
    hole_frac: float = 0.0,
) -> tuple[tuple[Bars, ...], Truth]:
    """The bars of each pair of the market named `kind`, with default parameters, and its truth.

    Args:
        kind: which.
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade, for the truth; None for the kind's.
        session_bars: steps of one session, for the truth.
        hole_frac: share of missing bars.

    Raises:
        ValueError: there is no such kind, or `days` or `hole_frac` is out of range.
    """
    if kind not in _MAKERS:
        raise ValueError(f'market kind "{kind}" is none of {", ".join(_MAKERS)}')
    make = partial(_MAKERS[kind], session_bars=session_bars, hole_frac=hole_frac)
    if round_trip_cost_pips is not None:
        make = partial(make, round_trip_cost_pips=round_trip_cost_pips)
    made, truth = make(seed, days)
    return (made if isinstance(made, tuple) else (made,)), truth


def named(bars: tuple[Bars, ...], name: str | None) -> tuple[Bars, ...]:
    """`bars` of a market called `name`; several pairs are numbered. None: as they are called."""
    if name is None:
        return bars
    if len(bars) == 1:
        return (replace(bars[0], symbol=name),)
    return tuple(replace(own, symbol=f"{name}_{i}") for i, own in enumerate(bars, start=1))
