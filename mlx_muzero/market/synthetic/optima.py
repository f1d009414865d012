"""Best policies of the planted markets, by what is stored with their bars."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mlx_muzero.errors import DataError
from mlx_muzero.market.synthetic import nonlinear_optimum, pairs_optimum, planted_optimum
from mlx_muzero.market.synthetic.belief_chain import HOURLY, clocked_pips
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge
from mlx_muzero.market.synthetic.planted_nonlinear import PlantedNonlinear
from mlx_muzero.market.synthetic.planted_pairs import PlantedPairs
from mlx_muzero.types import F64, I32, I64


class Optimum(Protocol):
    """The best policy of a planted market, for the rules it was computed for."""

    @property
    def session_bars(self) -> int:
        """Steps of one session."""

    @property
    def entry_pips(self) -> tuple[float, ...]:
        """Cost of one trade, by the minute of its entry modulo their number."""

    @property
    def max_entries(self) -> int:
        """Entries that a session allows; 0: any number."""

    @property
    def pip_size(self) -> float:
        """Price of one pip."""

    def read(self, close: F64, open_time_ns: I64) -> F64:
        """``f64[T]`` all that the closes up to each bar tell of the bars to come."""

    def wanted_exposure(
        self, seen: F64, exposure: F64, bars_left: int, start_minute: I64, entries_left: I32
    ) -> F64:
        """``f64[B]`` the exposure to move to.

        Args:
            seen: ``f64[B]`` from `read`, at the decision bar.
            exposure: ``f64[B]`` current exposure.
            bars_left: steps left in the session, including this one.
            start_minute: ``i64[B]`` UTC minute of the day of the session's first decision.
            entries_left: ``i32[B]`` of the session; 0 where they are not limited.
        """


def _edge(truth: Mapping[str, Any]) -> Optimum:
    edge = PlantedEdge(**truth["parameters"])
    return planted_optimum.solve(edge, truth["round_trip_cost_pips"], truth["session_bars"])


def _wait(truth: Mapping[str, Any]) -> Optimum:
    edge = PlantedEdge(**truth["parameters"])
    entry_pips = clocked_pips(
        truth["round_trip_cost_pips"], truth["cost_clock_minutes"], truth["cost_clock_pips"]
    )
    return planted_optimum.solve(edge, entry_pips, truth["session_bars"], HOURLY)


def _scarce(truth: Mapping[str, Any]) -> Optimum:
    return planted_optimum.solve(
        PlantedEdge(**truth["parameters"]),
        truth["round_trip_cost_pips"],
        truth["session_bars"],
        HOURLY,
        max_entries=truth["max_entries"],
    )


def _nonlinear(truth: Mapping[str, Any]) -> Optimum:
    market = PlantedNonlinear(**truth["parameters"])
    return nonlinear_optimum.solve(market, truth["round_trip_cost_pips"], truth["session_bars"])


def _pairs(truth: Mapping[str, Any]) -> Optimum:
    market = PlantedPairs(**truth["parameters"])
    return pairs_optimum.solve(market, truth["round_trip_cost_pips"], truth["session_bars"])


_OPTIMA: dict[str, Callable[[Mapping[str, Any]], Optimum]] = {
    "planted_edge": _edge,
    "planted_nonlinear": _nonlinear,
    "planted_wait": _wait,
    "planted_scarce": _scarce,
    "planted_pairs": _pairs,
}

PLANTED = tuple(_OPTIMA)
"""Kinds of markets in which something can be earned."""


def from_truth(truth: Mapping[str, Any]) -> Optimum:
    """The best policy of the market that `truth` describes (see `market.synthetic.truth`).

    Raises:
        DataError: the truth describes a market in which there is nothing to earn.
    """
    kind = str(truth.get("kind"))
    if kind not in _OPTIMA:
        raise DataError(
            f'the best policy is computed for markets of kind {", ".join(PLANTED)}, not "{kind}"; '
            "make one of these"
        )
    return _OPTIMA[kind](truth)
