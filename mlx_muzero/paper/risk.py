"""Limits on exposure and losses, their baselines, and the reaction when one is breached."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mlx_muzero.paper.mode import ModeName
from mlx_muzero.paper.settings import RiskSettings
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.trading.limits import FREE, MUST_BE_FLAT, NO_ENTRIES, permits
from mlx_muzero.trading.positions import ActionTable

LimitName = Literal["max_daily_loss_frac", "max_drawdown_frac", "stop_out_frac"]

# Sums of exposures may equal their limits, so compare with a tolerance.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Breach:
    """A breached limit: positions are closed and entries stop.

    Attributes:
        limit: its name in the settings.
        value: the value reached.
        threshold: the value allowed.
        until_ns: when entries resume; None until `resume`.
    """

    limit: LimitName
    value: float
    threshold: float
    until_ns: int | None

    @property
    def reaction(self) -> str:
        """The reaction, in words."""
        end = "until resume" if self.until_ns is None else "for the UTC day and the cooldown"
        return f"every position is closed; entries stop {end}"

    @property
    def facts(self) -> dict[str, Any]:
        """The journal's facts about it."""
        return {
            "limit": self.limit,
            "value": self.value,
            "threshold": self.threshold,
            "reaction": self.reaction,
        }


class Losses:
    """Losses since the UTC day began, and from the highest equity.

    Args:
        limits: limits on both, and the cooldown.
        equity: initial value of both baselines.
    """

    def __init__(self, limits: RiskSettings, equity: float) -> None:
        self._limits = limits
        self._day = -1
        self._equity = self.day_start_equity = self.peak_equity = equity

    def rebase(self) -> None:
        """Reset both baselines to the current equity."""
        self.day_start_equity = self.peak_equity = self._equity

    def update(self, close_ns: int, equity: float) -> list[Breach]:
        """Take the equity at the end of a minute; return the limits it breaches."""
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
    def equity(self) -> float:
        """The equity last taken."""
        return self._equity

    @property
    def day_pnl(self) -> float:
        """Profit since the UTC day began, in money."""
        return self._equity - self.day_start_equity

    @property
    def day_loss_frac(self) -> float:
        """Loss as a fraction of the equity at the start of the UTC day; 0 for a gain."""
        return _share(-self.day_pnl, self.day_start_equity)

    @property
    def drawdown_frac(self) -> float:
        """Loss as a fraction of the highest equity since the session began or was resumed."""
        return _share(self.peak_equity - self._equity, self.peak_equity)

    def state(self) -> dict[str, Any]:
        """The whole state, as JSON values."""
        return {
            "day": self._day,
            "equity": self._equity,
            "day_start_equity": self.day_start_equity,
            "peak_equity": self.peak_equity,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the losses that produced `state`."""
        self._day, self._equity = state["day"], state["equity"]
        self.day_start_equity, self.peak_equity = state["day_start_equity"], state["peak_equity"]


def allowed_exposure(
    table: ActionTable,
    held: float,
    wanted: float,
    mode: ModeName,
    limits: RiskSettings,
    others: float,
    carried: float = math.inf,
    stage: int = FREE,
) -> tuple[float, str | None]:
    """The exposure a pair may take instead of `wanted`, and the reason if it differs.

    Args:
        table: the available exposures.
        held: current exposure.
        wanted: exposure the agent wants.
        mode: trading mode; only "trading" lets a position grow.
        limits: limits on exposure.
        others: sum of the other pairs' exposures, including pending orders.
        carried: sum of exposures that the account's margin carries.
        stage: of the limits by time.
    """
    if mode == "halted":
        return held, "halted"
    if wanted == 0.0:
        return 0.0, None
    if mode == "flattening":
        return 0.0, "flattening"
    if stage == MUST_BE_FLAT:
        return 0.0, "flat_by"
    rooms = {
        "max_pair_exposure": limits.max_pair_exposure,
        "max_total_exposure": limits.max_total_exposure - others,
        "margin": carried - others,
    }
    why = min(rooms, key=lambda name: rooms[name])
    room = rooms[why]
    if mode == "entries_stopped" or stage == NO_ENTRIES:
        # Nor may it change sides, which would be an entry.
        bound = abs(held) if held * wanted > 0.0 else 0.0
        if bound < room:
            room, why = bound, "no_entries" if mode == "trading" else "entries_stopped"
    if permits(FREE, held, wanted, room):
        return wanted, None
    sides = table.exposures[table.exposures * math.copysign(1.0, wanted) >= 0.0]
    fitting = sides[np.abs(sides) <= room + _TOLERANCE]
    return float(fitting[np.abs(fitting).argmax()]) if len(fitting) else 0.0, why


def _share(loss: float, of: float) -> float:
    if loss <= 0.0:
        return 0.0
    return loss / of if of > 0.0 else math.inf
