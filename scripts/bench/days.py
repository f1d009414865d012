"""What policies earn a day: means, Sharpe ratios and differences, with intervals by whole days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.session_groups import SessionGroups, interval
from mlx_muzero.types import F64

DAYS_A_YEAR = 260
"""By which the Sharpe ratio of days is annualised."""


@dataclass(frozen=True)
class Earned:
    """One policy at one round trip, net pips a day of the test.

    Attributes:
        pips: round trip.
        policy: its name.
        net: mean of the days.
        low: lower end of its 95 % interval.
        high: upper end.
        sharpe: of the days, annualised; 0 where nothing was earned or lost.
        sharpe_low: lower end of its interval.
        sharpe_high: upper end.
        trades: in all days.
        beyond: mean of what a day earned beyond the rule; None of the rule.
        beyond_low: lower end of its interval.
        beyond_high: upper end.
    """

    pips: float
    policy: str
    net: float
    low: float | None
    high: float | None
    sharpe: float
    sharpe_low: float | None
    sharpe_high: float | None
    trades: float
    beyond: float | None
    beyond_low: float | None
    beyond_high: float | None


@dataclass(frozen=True)
class Beyond:
    """What one policy earned beyond another on the same days, net pips a day.

    Attributes:
        pips: round trip.
        policy: whose plays are counted.
        than: whose are taken off.
        mean: of the days.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    pips: float
    policy: str
    than: str
    mean: float
    low: float | None
    high: float | None


def beyond(
    pips: float, policy: str, played: Sequence[Backtest], than: str, other: Sequence[Backtest]
) -> Beyond:
    """Of the mean of several plays of the same days, beyond the mean of others."""
    day = by_day(played) - by_day(other)
    low, high = interval(SessionGroups.apart(len(day)).resampled_means(day))
    return Beyond(pips, policy, than, float(day.mean()), low, high)


def earned(pips: float, policy: str, played: Sequence[Backtest], rule: Backtest) -> Earned:
    """Of one or several plays of the same days, whose mean is taken, next to the rule's play."""
    day = by_day(played)
    past_rule = day - by_day([rule])
    days = SessionGroups.apart(len(day))
    low, high = interval(days.resampled_means(day))
    sharpe_low, sharpe_high = interval(_resampled_sharpes(days, day))
    mean, beyond_low, beyond_high = None, None, None
    if played[0] is not rule:
        mean = float(past_rule.mean())
        beyond_low, beyond_high = interval(days.resampled_means(past_rule))
    return Earned(
        pips=pips,
        policy=policy,
        net=float(day.mean()),
        low=low,
        high=high,
        sharpe=float(_sharpe(day)),
        sharpe_low=sharpe_low,
        sharpe_high=sharpe_high,
        trades=float(np.mean([each.metrics.trades for each in played])),
        beyond=mean,
        beyond_low=beyond_low,
        beyond_high=beyond_high,
    )


def by_day(played: Sequence[Backtest]) -> F64:
    """``f64[n]`` net pips of each day, mean of the plays."""
    return np.mean([each.groups.totals(each.equity_pips[:, -1]) for each in played], axis=0)


def _resampled_sharpes(days: SessionGroups, day: F64) -> F64:
    return np.concatenate([day[:0], *(_sharpe(day[drawn]) for drawn in days.resamples())])


def _sharpe(day: F64) -> F64:
    """Annualised, over the last axis of ``f64[..., n]``."""
    deviation = day.std(axis=-1)
    ratio = day.mean(axis=-1) / np.where(deviation > 0.0, deviation, 1.0)
    return np.asarray(ratio * np.sqrt(DAYS_A_YEAR))
