"""What is known of a synthetic market: the truth that is stored next to its bars."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlx_muzero.market.synthetic.kinds import MarketKind

Truth = dict[str, Any]
"""What is known of a synthetic market, in JSON values (`truth_of`)."""


def truth_of(
    kind: MarketKind,
    *,
    seed: int,
    days: int,
    hole_frac: float,
    parameters: Mapping[str, float],
    round_trip_cost_pips: float,
    session_bars: int,
    expected_pips: float,
    expected_by_hour: Sequence[float] | None = None,
    best_policy: str,
    method: str,
    precision_pips: float,
    **more: object,
) -> Truth:
    """The truth of a market, under the names by which it is stored.

    Args:
        kind: of the market.
        seed: of its draws.
        days: trading days of its bars.
        hole_frac: share of missing bars, which the expectations do not count.
        parameters: of its process.
        round_trip_cost_pips: cost of one trade that the expectations assume.
        session_bars: steps of a session that they assume.
        expected_pips: net pips a session of the best policy.
        expected_by_hour: the same by UTC hour of the session's start; None: the same at all.
        best_policy: what it does, in words.
        method: how it was found.
        precision_pips: by how much the expectations may be off.
        more: JSON values that only this kind has: further rules (``cost_clock_minutes`` and
            ``cost_clock_pips``, ``max_entries``, ``pairs`` and ``max_total_exposure``), and what
            simpler policies expect (``greedy_pips_per_session`` and others).
    """
    by_hour = [expected_pips] * 24 if expected_by_hour is None else list(expected_by_hour)
    return {
        "kind": kind,
        "seed": seed,
        "days": days,
        "hole_frac": hole_frac,
        "parameters": dict(parameters),
        "round_trip_cost_pips": round_trip_cost_pips,
        "session_bars": session_bars,
        "expected_pips_per_session": expected_pips,
        "expected_pips_by_start_hour": by_hour,
        "best_policy": best_policy,
        "method": method,
        "precision_pips": precision_pips,
        **more,
    }
