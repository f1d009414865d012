"""The margin a venue asks for: how much exposure an equity carries, and when it is closed out."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mlx_muzero.paper.risk import Breach
from mlx_muzero.paper.settings import PaperSettings


@dataclass(frozen=True)
class Margin:
    """The venue's terms for one account.

    Attributes:
        leverage: notional that one unit of equity may carry; 0 if no margin is asked for.
        stop_out_frac: equity over the margin used below which every position is closed.
        notional: money behind exposure 1.
    """

    leverage: float
    stop_out_frac: float
    notional: float

    @classmethod
    def of(cls, settings: PaperSettings) -> "Margin":
        """The terms of a session."""
        risk = settings.risk
        return cls(risk.leverage, risk.stop_out_frac, settings.account.notional)

    def carried_exposure(self, equity: float) -> float:
        """Largest sum of exposures whose margin `equity` covers."""
        return max(equity, 0.0) * self.leverage / self.notional if self.leverage else math.inf

    def closeout_frac(self, equity: float, exposures: Iterable[float]) -> float:
        """How near the account with these exposures is to a stop-out, which happens above 1."""
        exposure = sum(map(abs, exposures))
        if not self.leverage or not exposure:
            return 0.0
        needed = self.stop_out_frac * exposure * self.notional / self.leverage
        return needed / equity if equity > 0.0 else math.inf

    def breaches(self, equity: float, exposures: Iterable[float]) -> list[Breach]:
        """The stop-out of an account with these exposures, if there is one."""
        closeout = self.closeout_frac(equity, exposures)
        if closeout <= 1.0:
            return []
        level = self.stop_out_frac / closeout
        return [Breach("stop_out_frac", level, self.stop_out_frac, None)]
