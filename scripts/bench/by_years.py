"""Chooses each rival's parameters by years left out in turn, then fits it once more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from bench.years import Fold
from mlx_muzero.evaluation.baselines import FLAT_POLICY
from mlx_muzero.evaluation.fix_rule import FixRule
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.evaluation.rivals.fitted import usual_bars
from mlx_muzero.evaluation.rivals.fitted_q import FittedQRecipe, Judge, learning
from mlx_muzero.evaluation.rivals.line import lines
from mlx_muzero.evaluation.rivals.line_dp import planned_lines
from mlx_muzero.evaluation.rivals.past_moves import (
    LOOKBACKS_BARS,
    MOMENTUM,
    REVERSAL,
    PastMove,
)
from mlx_muzero.trading.rules import TradingRules

Candidates = Callable[[Fold, ValidationSessions], Iterator[tuple[Policy, float]]]
"""What a rival may be after fitting on a fold's bars, and what each earns in the sessions."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Which candidate the years chose.

    Attributes:
        place: of the candidate; None where none earned anything, and the rival stays flat.
        by_year: net pips a session of each year that chose, when it was left out.
    """

    place: int | None
    by_year: list[float]


def choose(candidates: Candidates, rules: TradingRules, folds: Sequence[Fold]) -> Choice:
    """The candidate with the most net pips a session, mean of the years.

    Args:
        candidates: in the same order for every fold.
        rules: actions and costs.
        folds: each leaves out the year that it plays.
    """
    earned = np.array([[net for _, net in _played(candidates, rules, fold)] for fold in folds])
    place = int(earned.mean(axis=0).argmax())
    if earned[:, place].mean() <= 0.0:
        return Choice(None, [0.0] * len(folds))
    return Choice(place, earned[:, place].tolist())


def fitted(candidates: Candidates, rules: TradingRules, fold: Fold, choice: Choice) -> Policy:
    """The chosen candidate, fitted on `fold`; what it earns in the sessions there is ignored."""
    if choice.place is None:
        return FLAT_POLICY
    return next(islice(_played(candidates, rules, fold), choice.place, None))[0]


def _played(
    candidates: Candidates, rules: TradingRules, fold: Fold
) -> Iterator[tuple[Policy, float]]:
    return candidates(fold, ValidationSessions.at(fold.market.dataset, rules, fold.starts))


def of_line(fold: Fold, sessions: ValidationSessions) -> Iterator[tuple[Policy, float]]:
    """Every forecast with every pair of thresholds."""
    return lines(sessions, fold.forecasts, usual_bars(fold.bars))


def of_past_moves(
    name: str, direction: int, fold: Fold, sessions: ValidationSessions
) -> Iterator[tuple[Policy, float]]:
    """Every lookback with every pair of thresholds."""
    moves = [PastMove(bars, direction) for bars in LOOKBACKS_BARS]
    return lines(sessions, moves, usual_bars(fold.bars), name)


def of_line_dp(fold: Fold, sessions: ValidationSessions) -> Iterator[tuple[Policy, float]]:
    """Every forecast, planned."""
    usual = usual_bars(fold.bars)
    price = float(np.median(fold.market.dataset.close[usual]))
    return planned_lines(sessions, fold.forecasts, usual, price)


def of_fitted_q(
    seed: int, recipe: FittedQRecipe, fold: Fold, sessions: ValidationSessions
) -> Iterator[tuple[Policy, float]]:
    """The network after every check of its fitting."""
    market, rules = fold.market, sessions.rules
    judge = Judge(market.dataset, sessions)
    policies = learning(market.dataset, rules, market.changes, fold.bars, seed, recipe)
    return ((policy, judge.net_pips(policy)) for policy in islice(policies, 1, None))


CANDIDATES: dict[str, Candidates] = {
    REVERSAL: partial(of_past_moves, REVERSAL, -1),
    MOMENTUM: partial(of_past_moves, MOMENTUM, 1),
    "line": of_line,
    "line_dp": of_line_dp,
}
"""Rivals without a seed, by name."""

RULE = FixRule()
"""Nothing about it is chosen."""
