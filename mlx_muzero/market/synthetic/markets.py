"""Synthetic markets whose best policy is known, to measure a trained agent against, by kind.

Each maker returns bars and their truth (`mlx_muzero.market.synthetic.truth`). Where several pairs
share a limit, the truth's sessions are those of one pair. What a line earns is added where a market
is stored (`mlx_muzero.experiment.synthetic_market`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.synthetic.edge_markets import planted_edge, planted_scarce, planted_wait
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.nonlinear_optimum import greedy_pips, solve
from mlx_muzero.market.synthetic.pairs_market import planted_pairs
from mlx_muzero.market.synthetic.planted_nonlinear import PlantedNonlinear, draw_changes
from mlx_muzero.market.synthetic.synthetic_bars import (
    FIRST_WEEK_NS,
    bars_from_changes,
    fx_calendar,
    sigma_pips,
)
from mlx_muzero.market.synthetic.truth import Truth, truth_of


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
    truth = truth_of(
        "random_walk",
        seed=seed,
        days=days,
        hole_frac=hole_frac,
        parameters={"mean_sigma_pips": mean_sigma_pips, "pip_size": pip_size},
        round_trip_cost_pips=round_trip_cost_pips,
        session_bars=session_bars,
        expected_pips=0.0,
        best_policy="flat",
        method="changes are independent with mean zero, so a trade's expected net is its cost",
        precision_pips=0.0,
    )
    bars = bars_from_changes("RANDOM_WALK", open_time_ns, change, sigma, pip_size, rng)
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
    change, sigma = draw_changes(market, len(open_time_ns), rng)
    optimum = solve(market, round_trip_cost_pips, session_bars)
    truth = truth_of(
        "planted_nonlinear",
        seed=seed,
        days=days,
        hole_frac=hole_frac,
        parameters=market.as_dict(),
        round_trip_cost_pips=round_trip_cost_pips,
        session_bars=session_bars,
        expected_pips=optimum.expected_pips,
        best_policy="enter and leave by the last kick's age and the side it announced",
        method="dynamic programming over bars left, age of the last kick and position",
        precision_pips=optimum.precision_pips,
        greedy_pips_per_session=greedy_pips(market, round_trip_cost_pips, session_bars),
    )
    bars = bars_from_changes("PLANTED_NONLINEAR", open_time_ns, change, sigma, market.pip_size, rng)
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
