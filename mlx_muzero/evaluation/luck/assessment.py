"""Everything that a report says about luck, of one judged policy and those played with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from mlx_muzero.evaluation.luck.concentration import Stretch, best_share, by_period
from mlx_muzero.evaluation.luck.course import Course
from mlx_muzero.evaluation.luck.overfitting import overfitting_probability
from mlx_muzero.evaluation.luck.seeds import pooled
from mlx_muzero.evaluation.luck.superior import superior_p
from mlx_muzero.evaluation.luck.trials import side_by_side, worth
from mlx_muzero.evaluation.luck.verdict import Verdict, judge
from mlx_muzero.runlog.look import Tried

NOT_TO_BEAT = ("flat", "random", "perfect_foresight", "best_policy")
"""Baselines that nobody has to beat: they do nothing, by chance, or know what nobody can."""


@dataclass(frozen=True)
class PooledSeeds:
    """Runs of one configuration on the same bars.

    Attributes:
        seeds: how many.
        net_pips_per_day: mean over seeds and days from the first to the last.
        low: lower end of its 95 % interval, over seeds and blocks of days.
        high: upper end.
    """

    seeds: int
    net_pips_per_day: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Luck:
    """What results owe to luck.

    Attributes:
        policy: that is judged.
        verdict: on it.
        beyond_flat: p-value of superior predictive ability of all judged policies against flat.
        baseline: that earned most, in hindsight: a rule or a rival; None if there is none.
        beyond_baseline: p-value of the same against it; None without one.
        overfitting: probability of backtest overfitting over the ledger's trials; None with fewer
            than two on these bars.
        overfitting_trials: how many those are.
        best_share: share of the profit in the best five round trips; None without profit.
        years: results by UTC year.
        months: results by UTC month.
        seeds: the policy with several seeds; None with one.
    """

    policy: str
    verdict: Verdict
    beyond_flat: float
    baseline: str | None
    beyond_baseline: float | None
    overfitting: float | None
    overfitting_trials: int
    best_share: float | None
    years: Mapping[str, Stretch]
    months: Mapping[str, Stretch]
    seeds: PooledSeeds | None

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self)


def assess(
    judged: Mapping[str, Course],
    others: Mapping[str, Course],
    tried: int | None = None,
    trials: Sequence[Tried] = (),
    entries: float | None = None,
    unit: str = "pips",
    seeds: Mapping[int, Tried] = MappingProxyType({}),
    observation: str = "session",
) -> Luck:
    """Judge the first of `judged`, knowing what else was tried.

    Args:
        judged: policies that could be chosen, by name.
        others: baselines at the same times, by name.
        tried: how many configurations and ways to decide were; None: those `judged`.
        trials: what the ledger knows of those tried on these bars.
        entries: share of random entries that earn as much as the first; None if unknown.
        unit: of net figures.
        seeds: what the ledger knows of runs of the same configuration, by seed.
        observation: what one is called.
    """
    policy, played = next(iter(judged.items()))
    tried = len(judged) if tried is None else tried
    verdict = judge(
        played.totals,
        trades=played.metrics.trades,
        tried=tried,
        trials=worth(tried, trials),
        entries=entries,
        unit=unit,
        observation=observation,
    )
    rules = {n: each for n, each in others.items() if n not in NOT_TO_BEAT}
    rule = max(rules, key=lambda name: rules[name].metrics.net_pips, default=None)
    earned = np.stack([each.totals for each in judged.values()], axis=1)
    course = side_by_side(trials)
    return Luck(
        policy,
        verdict,
        superior_p(earned),
        rule,
        None if rule is None else superior_p(earned - rules[rule].totals[:, None]),
        overfitting_probability(course),
        course.shape[1],
        best_share(played.trades.round_trip, played.trades.net_pips),
        by_period(played, "Y"),
        by_period(played, "M"),
        _pooled(tuple(seeds.values())),
    )


def _pooled(seeds: Sequence[Tried]) -> PooledSeeds | None:
    course = side_by_side(seeds)
    if not course.size:
        return None
    days = seeds[0].every
    mean, (low, high) = pooled(course.T / days)
    return PooledSeeds(course.shape[1], mean, low, high)
