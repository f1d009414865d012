"""Makes the market of several pairs under one limit, with its truth."""

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.synthetic.pairs_optimum import as_if_alone_pips, greedy_pips, solve
from mlx_muzero.market.synthetic.planted_pairs import PlantedPairs, draw_changes
from mlx_muzero.market.synthetic.synthetic_bars import (
    FIRST_WEEK_NS,
    bars_from_changes,
    fx_calendar,
)
from mlx_muzero.market.synthetic.truth import Truth, truth_of


def planted_pairs(
    seed: int,
    days: int,
    *,
    round_trip_cost_pips: float = 4.0,
    session_bars: int = 360,
    market: PlantedPairs | None = None,
    start_ns: int = FIRST_WEEK_NS,
    hole_frac: float = 0.0,
) -> tuple[tuple[Bars, ...], Truth]:
    """Pairs that share a limit on exposure (`planted_pairs`), which have bars of the same minutes.

    Args:
        seed: seed of all random draws.
        days: number of trading days of 1440 bars.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
        market: its parameters; None for the defaults of `PlantedPairs`.
        start_ns: the first week opens at or after this time.
        hole_frac: share of missing bars; the expectations assume unbroken sessions.

    Raises:
        ValueError: `days` or `hole_frac` is out of range.
    """
    market = PlantedPairs() if market is None else market
    rng = np.random.default_rng(seed)
    open_time_ns = fx_calendar(days, start_ns, hole_frac, rng)
    solved = market, round_trip_cost_pips, session_bars
    optimum = solve(*solved)
    truth = truth_of(
        "planted_pairs",
        seed=seed,
        days=days,
        hole_frac=hole_frac,
        parameters=market.as_dict(),
        round_trip_cost_pips=round_trip_cost_pips,
        session_bars=session_bars,
        expected_pips=optimum.expected_pips,
        best_policy="give the exposure to a pair by the states of all",
        method="dynamic programming over bars left, the states of all pairs and what is held",
        precision_pips=optimum.precision_pips,
        pairs=market.pairs,
        max_total_exposure=market.max_total_exposure,
        greedy_pips_per_session=greedy_pips(*solved),
        as_if_alone_pips_per_session=as_if_alone_pips(*solved),
    )
    sigma = np.full(len(open_time_ns), market.noise_below_pips / np.sqrt(3.0))
    bars = tuple(
        bars_from_changes(
            f"PLANTED_PAIRS_{pair + 1}",
            open_time_ns,
            draw_changes(market, len(open_time_ns), rng),
            sigma,
            market.pip_size,
            rng,
        )
        for pair in range(market.pairs)
    )
    return bars, truth
