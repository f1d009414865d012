"""The exact best policy of a `PlantedNonlinear` market, by dynamic programming.

State: bars left, age of the last kick, and whether the account is flat, along the drift or against
it. A finite chain, because the age is known and a next kick announces either side with equal
chance, so noise, its regime and the kicks themselves move nothing on average. Rules as in
`mlx_muzero.market.synthetic.planted_optimum`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlx_muzero.market.synthetic.planted_nonlinear import (
    LAST_AGE,
    PlantedNonlinear,
    read_signed_ages,
)
from mlx_muzero.types import F64, I32, I64, Bool

Worth = tuple[F64, F64, F64]
"""``f64[LAST_AGE]`` net pips to come when flat, along the drift and against it, by age."""


@dataclass(frozen=True, eq=False)
class NonlinearOptimum:
    """The best policy and its value. Ages count from 1 at place 0 to `LAST_AGE`.

    Attributes:
        market: the market's parameters.
        session_bars: steps of one session.
        round_trip_cost_pips: cost of one trade.
        expected_pips: expected net pips of a session under the best policy.
        precision_pips: bound on its error: the drift that counts as none, and rounding.
        enter: ``bool[session_bars + 1, LAST_AGE]`` whether to enter along the drift, by bars left.
        stay_along: ``bool[session_bars + 1, LAST_AGE]`` whether to keep a position along it.
        stay_against: ``bool[session_bars + 1, LAST_AGE]`` whether to keep one against it.
    """

    market: PlantedNonlinear
    session_bars: int
    round_trip_cost_pips: float
    expected_pips: float
    precision_pips: float
    enter: Bool
    stay_along: Bool
    stay_against: Bool

    @property
    def entry_pips(self) -> tuple[float, ...]:
        """Cost of one trade, in every minute."""
        return (self.round_trip_cost_pips,)

    @property
    def pip_size(self) -> float:
        """Price of one pip."""
        return self.market.pip_size

    def read(self, close: F64, open_time_ns: I64) -> F64:
        """``f64[T]`` what each close tells of the next bar, see `read_signed_ages`."""
        return read_signed_ages(close, self.market).astype(np.float64)

    @property
    def max_entries(self) -> int:
        """Entries are not limited."""
        return 0

    def wanted_exposure(
        self, seen: F64, exposure: F64, bars_left: int, start_minute: I64, entries_left: I32
    ) -> F64:
        """``f64[B]`` in {-1, 0, 1}, the exposure to move to.

        Args:
            seen: ``f64[B]`` signed age at the decision bar, from `read`.
            exposure: ``f64[B]`` current exposure.
            bars_left: steps left in the session, including this one.
            start_minute: ignored: every hour is alike.
            entries_left: ignored: there is no limit.
        """
        place, side = np.abs(seen).astype(np.int64) - 1, np.sign(seen)
        along = self.stay_along[bars_left, place]
        against = self.stay_against[bars_left, place]
        stays = np.where(exposure * side > 0.0, along, against)
        entered = np.where(self.enter[bars_left, place], side, 0.0)
        return np.where(exposure == 0.0, entered, np.where(stays, exposure, 0.0))


@lru_cache(maxsize=8)
def solve(
    market: PlantedNonlinear, round_trip_cost_pips: float, session_bars: int
) -> NonlinearOptimum:
    """The best policy of `market` and its expected net pips, over sessions without gaps.

    A session starts at an age that is drawn as ages are distributed. What was solved lately is
    kept, so its arrays are read-only.

    Args:
        market: the parameters.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
    """
    worth: Worth = (np.zeros(LAST_AGE), np.zeros(LAST_AGE), np.zeros(LAST_AGE))
    enter, stay_along, stay_against = np.zeros((3, session_bars + 1, LAST_AGE), bool)
    for bars_left in range(1, session_bars + 1):
        hold_flat, hold_along, hold_against = _held(market, worth)
        enter[bars_left] = hold_along - round_trip_cost_pips > hold_flat
        stay_along[bars_left] = hold_along > hold_flat
        stay_against[bars_left] = hold_against > hold_flat
        worth = (
            np.maximum(hold_flat, hold_along - round_trip_cost_pips),
            np.maximum(hold_along, hold_flat),
            np.maximum(hold_against, hold_flat),
        )
    for shared in (enter, stay_along, stay_against):
        shared.flags.writeable = False
    expected = _at_start(market, worth)
    neglected = market.drift_pips * market.decay ** (LAST_AGE - 1)
    return NonlinearOptimum(
        market=market,
        session_bars=session_bars,
        round_trip_cost_pips=round_trip_cost_pips,
        expected_pips=expected,
        precision_pips=session_bars * (neglected + expected * float(np.finfo(np.float64).eps)),
        enter=enter,
        stay_along=stay_along,
        stay_against=stay_against,
    )


def greedy_pips(market: PlantedNonlinear, round_trip_cost_pips: float, session_bars: int) -> float:
    """Expected net pips of a session of the greedy rule on the perfect forecast.

    It enters along the drift where that is expected to bring more than the cost until the next
    kick, and leaves whatever is against the drift. What it forgoes is to plan: it enters however
    few bars are left, and pays for a new entry where waiting for the next kick would be cheaper.

    Args:
        market: the parameters.
        round_trip_cost_pips: cost of one trade.
        session_bars: steps of one session.
    """
    survival = 1.0 - market.kick_probability
    drift = market.drift(np.arange(1, LAST_AGE + 1))
    enters = drift / (1.0 - market.decay * survival) > round_trip_cost_pips
    worth: Worth = (np.zeros(LAST_AGE), np.zeros(LAST_AGE), np.zeros(LAST_AGE))
    for _ in range(session_bars):
        flat, along, _ = _held(market, worth)
        worth = np.where(enters, along - round_trip_cost_pips, flat), along, flat
    return _at_start(market, worth)


def _held(market: PlantedNonlinear, worth: Worth) -> Worth:
    """What being flat, along and against over the next bar is worth, if `worth` follows it."""
    flat, along, against = worth
    survival = 1.0 - market.kick_probability
    drift = market.drift(np.arange(1, LAST_AGE + 1))
    older = np.minimum(np.arange(1, LAST_AGE + 1), LAST_AGE - 1)
    kicked = (along[0] + against[0]) / 2.0
    return (
        survival * flat[older] + market.kick_probability * flat[0],
        drift + survival * along[older] + market.kick_probability * kicked,
        -drift + survival * against[older] + market.kick_probability * kicked,
    )


def _at_start(market: PlantedNonlinear, worth: Worth) -> float:
    """Net pips to come of a flat account, at an age drawn as ages are distributed."""
    ages = market.kick_probability * (1.0 - market.kick_probability) ** np.arange(LAST_AGE)
    ages[-1] = 1.0 - ages[:-1].sum()
    return float(ages @ worth[0])
