"""Limits on exposure and losses, what each is measured from, and what follows from passing one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mlx_muzero.paper.mode import ModeName
from mlx_muzero.paper.settings import RiskSettings
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.trading.positions import ActionTable

LimitName = Literal["max_daily_loss_frac", "max_drawdown_frac"]

# Sums of exposures are compared with limits they may equal.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Breach:
    """A passed limit: positions are closed and entries stop.

    Attributes:
        limit: its name in the settings.
        value: what it was.
        threshold: what it may be.
        until_ns: until when entries stop; None for until `resume`.
    """

    limit: LimitName
    value: float
    threshold: float
    until_ns: int | None

    @property
    def reaction(self) -> str:
        """What follows, in words."""
        end = "until resume" if self.until_ns is None else "for the UTC day and the cooldown"
        return f"every position is closed; entries stop {end}"


class Losses:
    """How much was lost: since the UTC day began, and from the highest equity.

    Args:
        limits: of both, and the cooldown.
        equity: where both baselines begin.
    """

    def __init__(self, limits: RiskSettings, equity: float) -> None:
        self._limits = limits
        self._day = -1
        self._equity = self.day_start_equity = self.peak_equity = equity

    def rebase(self) -> None:
        """Count both from the equity of now."""
        self.day_start_equity = self.peak_equity = self._equity

    def update(self, close_ns: int, equity: float) -> list[Breach]:
        """Take in the equity at the end of a minute; returns the limits it is beyond."""
        day = (close_ns - 1) // DAY_NS  # midnight ends a day
        if day != self._day:
            self._day, self.day_start_equity = day, self._equity
        self._equity = equity
        self.peak_equity = max(self.peak_equity, equity)
        limits, breaches = self._limits, []
        if self.day_loss_frac >= limits.max_daily_loss_frac:
            cooled_ns = close_ns + round(limits.cooldown_minutes * MINUTE_NS)
            until_ns = max((day + 1) * DAY_NS, cooled_ns)
            breaches.append(
                Breach(
                    "max_daily_loss_frac", self.day_loss_frac, limits.max_daily_loss_frac, until_ns
                )
            )
        if self.drawdown_frac >= limits.max_drawdown_frac:
            breaches.append(
                Breach("max_drawdown_frac", self.drawdown_frac, limits.max_drawdown_frac, None)
            )
        return breaches

    @property
    def day_pnl(self) -> float:
        """Money made since the UTC day began."""
        return self._equity - self.day_start_equity

    @property
    def day_loss_frac(self) -> float:
        """Of the equity the UTC day began with, 0 for a gain."""
        return _share(-self.day_pnl, self.day_start_equity)

    @property
    def drawdown_frac(self) -> float:
        """Of the highest equity since the session began or was resumed."""
        return _share(self.peak_equity - self._equity, self.peak_equity)

    def state(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "day": self._day,
            "equity": self._equity,
            "day_start_equity": self.day_start_equity,
            "peak_equity": self.peak_equity,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as the losses were that gave `state`."""
        self._day, self._equity = state["day"], state["equity"]
        self.day_start_equity, self.peak_equity = state["day_start_equity"], state["peak_equity"]


def allowed_exposure(
    table: ActionTable,
    held: float,
    wanted: float,
    mode: ModeName,
    limits: RiskSettings,
    others: float,
) -> tuple[float, str | None]:
    """The exposure a pair may go to instead of `wanted`, and why it is another.

    Args:
        table: the exposures there are.
        held: now.
        wanted: by the agent.
        mode: of trading; only "trading" lets a position grow.
        limits: on exposure.
        others: sum of the other pairs' exposures, pending orders included.
    """
    if mode == "halted":
        return held, "halted"
    if wanted == 0.0:
        return 0.0, None
    if mode == "flattening":
        return 0.0, "flattening"
    room = min(limits.max_pair_exposure, limits.max_total_exposure - others)
    why = "max_pair_exposure" if room == limits.max_pair_exposure else "max_total_exposure"
    if mode == "entries_stopped":
        # Neither may it change sides: that is an entry.
        bound = abs(held) if held * wanted > 0.0 else 0.0
        if bound < room:
            room, why = bound, "entries_stopped"
    # A position that is already beyond a limit may stay, but not grow.
    if held * wanted > 0.0 and abs(wanted) <= abs(held):
        return wanted, None
    if abs(wanted) <= room + _TOLERANCE:
        return wanted, None
    sides = table.exposures[table.exposures * math.copysign(1.0, wanted) >= 0.0]
    fitting = sides[np.abs(sides) <= room + _TOLERANCE]
    return float(fitting[np.abs(fitting).argmax()]) if len(fitting) else 0.0, why


def _share(loss: float, of: float) -> float:
    if loss <= 0.0:
        return 0.0
    return loss / of if of > 0.0 else math.inf
