"""All rivals fitted on one market."""

import numpy as np

from mlx_muzero.evaluation.backtest import Doing
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rivals.changes import fitting_bars
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.evaluation.rivals.fitted_q import FittedQRecipe, fit_fitted_q
from mlx_muzero.evaluation.rivals.line import fit_line
from mlx_muzero.evaluation.rivals.line_dp import fit_line_dp
from mlx_muzero.evaluation.rivals.linear_forecast import HORIZONS_BARS, fit_forecasts
from mlx_muzero.evaluation.rivals.past_moves import PAST_MOVES, fit_past_moves
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.fit import known_market
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.trading.gains import known_spread
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import I64, Advance

RIVALS = ("line", "line_dp", "fitted_q")
"""Their names."""

FITTED_Q_RECIPE = FittedQRecipe()
"""Of the rival in reports."""

_USUAL_BARS = 262_144
"""Training bars, spread evenly, that say how forecasts are distributed and follow each other."""


_SEED = 0


def usual_bars(bars: I64) -> I64:
    """``i64[m]`` some of the training `bars` ``i64[n]``, spread evenly, to count forecasts by."""
    return spread_evenly(bars, _USUAL_BARS)


def fit_rivals(
    dataset: MarketDataset,
    rules: TradingRules,
    tick: Advance = lambda _steps: None,
    doing: Doing = lambda _what, _total: None,
) -> dict[str, Policy]:
    """The rivals by name, none where the training split is too short to fit them.

    Currency pairs have `PAST_MOVES` as well.

    Args:
        dataset: the market.
        rules: actions and costs.
        tick: called with 1 after every step of fitting `fitted_q`, the longest part.
        doing: called with what begins, and its steps if they are counted.
    """
    bars = fitting_bars(dataset, "train", max(HORIZONS_BARS))
    if not len(bars):
        doing("no rival is fitted: the training split is too short", 0)
        return {}
    of_moves = PAST_MOVES * (known_market(dataset.config.symbol) == "fx")
    names = ", ".join((*RIVALS, *of_moves))
    doing(f"fitting {names}", None)
    validation = ValidationSessions.of(dataset, rules)
    forecasts = fit_forecasts(validation.changes, bars)
    usual = usual_bars(bars)
    price = float(np.median(dataset.close[usual]))
    spread = known_spread(dataset, rules, usual)
    usual_spread = None if spread is None else float(np.median(spread))
    line_dp = fit_line_dp(validation, forecasts, usual, price, usual_spread)
    # What others could do with an exposure is a matter of plans, which fitted_q has not.
    others = line_dp.exposure_price
    line = fit_line(validation, forecasts, usual)
    doing("fitting fitted_q: steps", FITTED_Q_RECIPE.schedule(len(bars))[0])
    policies: tuple[Policy, ...] = (
        line,
        line_dp,
        fit_fitted_q(dataset, validation, bars, _SEED, FITTED_Q_RECIPE, tick, others),
        *(fit_past_moves(validation, usual) if of_moves else ()),
    )
    return {policy.name: policy for policy in policies}
