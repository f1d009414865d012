"""Whether a model should play at all: what it earns where it was chosen, under the rules in force.

A model forecasts what it was trained to, whatever a trade costs. So that a cost it was never
validated at is no guess, it plays the sessions that chose it once more, at that cost. It is shown
to earn something if the 95 % interval of its net lies above 0. A mean above 0 would not do: of two
models that know nothing, one has it where few trades are made. Staying out costs an edge that was
not shown; playing without one costs money every day.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.session_groups import interval


@dataclass(frozen=True)
class Validated:
    """Net pips a session on sessions that choose.

    Attributes:
        sessions: how many were played.
        net: mean of their net pips.
        low: lower end of its 95 % interval over groups of sessions; None with one group.
        high: upper end.
        trades: round trips in all sessions.
    """

    sessions: int
    net: float
    low: float | None
    high: float | None
    trades: float

    @classmethod
    def of(cls, played: Sequence[Backtest]) -> "Validated":
        """Of one or several plays of the same sessions, whose mean is an account with all."""
        net = np.mean([each.equity_pips[:, -1] for each in played], axis=0)
        low, high = interval(played[0].groups.resampled_means(net))
        trades = float(np.mean([each.metrics.trades for each in played]))
        return cls(len(net), float(net.mean()), low, high, trades)

    @property
    def earns(self) -> bool:
        """Whether it is shown to earn something."""
        return self.low is not None and self.low > 0.0

    def words(self, unit: str, session: str = "session") -> str:
        """What was earned, and whether that is more than nothing; part of a sentence.

        Args:
            unit: of net figures.
            session: what one is called.
        """
        ends = "" if self.low is None else f" [{self.low:+.3g}, {self.high:+.3g}]"
        if not self.trades:
            return f"it made no trade in {self.sessions:,} {session}s"
        call = "above nothing" if self.earns else "lost" if self._loses else "not above nothing"
        return (
            f"it earned {self.net:+.3g} {unit} a {session}{ends} in {self.sessions:,} "
            f"{session}s with {self.trades:,.0f} trades, {call}"
        )

    @property
    def _loses(self) -> bool:
        return self.high is not None and self.high < 0.0
