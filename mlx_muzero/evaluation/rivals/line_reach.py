"""What a line earns on a synthetic market: what everything with more parts has to beat."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.rivals.changes import fitting_bars
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.evaluation.rivals.fitted import usual_bars
from mlx_muzero.evaluation.rivals.line import fit_line
from mlx_muzero.evaluation.rivals.linear_forecast import HORIZONS_BARS, fit_forecasts
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import SPLITS
from mlx_muzero.trading.rules import TradingRules


@dataclass(frozen=True)
class LineReach:
    """Net pips per session of a line on bars that it was not fitted on.

    Attributes:
        net_pips: mean over the sessions.
        low: lower end of its 95 % bootstrap interval; None with one session.
        high: upper end.
        sessions: how many were played.
    """

    net_pips: float
    low: float | None
    high: float | None
    sessions: int

    def as_dict(self) -> dict[str, float | None]:
        """For a market's truth, which counts in pips per session."""
        return {
            "line_pips_per_session": self.net_pips,
            "line_pips_low": self.low,
            "line_pips_high": self.high,
            "line_sessions": self.sessions,
        }


def line_reach(fitted: MarketDataset, played: MarketDataset, rules: TradingRules) -> LineReach:
    """Fit the line on training and validation split of one draw, play all of another.

    Args:
        fitted: a market.
        played: the same kind of market, drawn with another seed.
        rules: actions and costs.

    Raises:
        DataError: a split is too short for a session.
    """
    starts = np.concatenate([played.evaluation_starts(split) for split in SPLITS])
    validation = ValidationSessions.of(fitted, rules)
    bars = fitting_bars(fitted, "train", max(HORIZONS_BARS))
    forecasts = fit_forecasts(validation.changes, bars)
    line = fit_line(validation, forecasts, usual_bars(bars))
    found = backtest(line, played, rules, starts).metrics
    return LineReach(
        found.net_pips_per_session, found.net_pips_low, found.net_pips_high, found.sessions
    )
