"""Whether states the network values highly are followed by high returns and net pips."""

import math
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Self

import numpy as np

from mlx_muzero.evaluation.rank_correlation import pearson, ranks, spearman
from mlx_muzero.evaluation.session_groups import SessionGroups, interval
from mlx_muzero.types import F64

GROUPS = 10
RESAMPLES = 500


@dataclass(frozen=True)
class Decile:
    """States between two deciles of the predicted value.

    Attributes:
        predicted: mean value predicted for them.
        realized: mean discounted return that followed.
        net_pips: mean net pips from there to the end of the session, after costs still to be paid.
        count: number of states.
    """

    predicted: float
    realized: float
    net_pips: float
    count: int


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation over all states.

    Attributes:
        spearman: None if either variable is constant.
        low: lower end of its 95 % bootstrap interval over groups of overlapping sessions; None if
            there is nothing to resample.
        high: upper end.
    """

    spearman: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, one: F64, other: F64, groups: SessionGroups, seed: int) -> Self:
        """Correlate two figures ``f64[E, T]`` of the T states of each of E sessions."""
        x, y = (ranks(values.ravel()).reshape(values.shape) for values in (one, other))
        # States of one session are far from independent, so whole sessions are drawn, keeping
        # their ranks.
        drawn = chain.from_iterable(groups.resamples(seed, RESAMPLES))
        found = (pearson(x[sessions].ravel(), y[sessions].ravel()) for sessions in drawn)
        ends = interval(np.array([r for r in found if r is not None]))
        return cls(pearson(x.ravel(), y.ravel()), *ends)


@dataclass(frozen=True)
class ValueReport:
    """Quality of predicted values on one split.

    Attributes:
        policy: policy whose returns they predict.
        sessions: number of sessions played.
        by_return: correlation of predicted value and realized return.
        by_net_pips: correlation of predicted value and the net pips that followed.
        decile_spearman: rank correlation of the ten deciles' means.
        mse: mean squared error of the predicted value.
        variance: variance of the realized return, the error of predicting its mean.
        deciles: deciles of the predicted value, lowest first.
    """

    policy: str
    sessions: int
    by_return: RankCorrelation
    by_net_pips: RankCorrelation
    decile_spearman: float | None
    mse: float
    variance: float
    deciles: tuple[Decile, ...]

    @classmethod
    def of(
        cls,
        policy: str,
        predicted: F64,
        realized: F64,
        net_pips: F64,
        groups: SessionGroups,
        seed: int = 0,
    ) -> Self:
        """Judge predicted values.

        Args:
            policy: name of the policy that was followed.
            predicted: ``f64[E, T]`` for E sessions of T states.
            realized: ``f64[E, T]`` discounted returns that followed.
            net_pips: ``f64[E, T]`` from each state to the end of its session.
            groups: which sessions overlap.
            seed: seed of the bootstrap.
        """
        order = np.argsort(predicted.ravel(), kind="stable")
        tenths = [tenth for tenth in np.array_split(order, GROUPS) if len(tenth)]
        deciles = tuple(
            Decile(
                predicted=float(predicted.ravel()[tenth].mean()),
                realized=float(realized.ravel()[tenth].mean()),
                net_pips=float(net_pips.ravel()[tenth].mean()),
                count=len(tenth),
            )
            for tenth in tenths
        )
        return cls(
            policy=policy,
            sessions=len(predicted),
            by_return=RankCorrelation.of(predicted, realized, groups, seed),
            by_net_pips=RankCorrelation.of(predicted, net_pips, groups, seed),
            decile_spearman=spearman(
                np.array([decile.predicted for decile in deciles]),
                np.array([decile.realized for decile in deciles]),
            ),
            mse=float(np.square(predicted - realized).mean()),
            variance=float(realized.var()),
            deciles=deciles,
        )

    @property
    def score(self) -> float:
        """The figure by which the best checkpoint is chosen; higher is better."""
        found = self.by_return.spearman
        return -math.inf if found is None else found

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON; the correlation with the return keeps its original field names."""
        facts = asdict(self)
        by_return = facts.pop("by_return")
        return {
            "spearman": by_return["spearman"],
            "spearman_low": by_return["low"],
            "spearman_high": by_return["high"],
            **facts,
        }
