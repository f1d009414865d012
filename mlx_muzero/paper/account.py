"""One pair's position and money: the trading core, the pending order and the value of a pip."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from mlx_muzero.market.calendar import swap_nights
from mlx_muzero.market.funding_rates import FundingAt, expected_rates
from mlx_muzero.paper.fills import Order, fate, fill_price
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.settings import FillSettings
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.core import TradingCore
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.trading.session_clock import SessionClock
from mlx_muzero.types import F32, I64

_HEARD = ("spread", "close_spread", "settled_rate", "announced_rate")
"""Attributes of an account that are None until it has heard of them."""

_COUNTED = ("session_bar", "_session", "_first_minute")
"""Attributes of an account that counts sessions."""


class PricedBar(Protocol):
    """What an account reads of a closed minute bar, live or recorded."""

    @property
    def open_time_ns(self) -> int:
        """When the minute began, UTC."""
        ...

    @property
    def close_time_ns(self) -> int:
        """When it ended."""
        ...

    @property
    def open(self) -> float:
        """First price."""
        ...

    @property
    def close(self) -> float:
        """Last price."""
        ...

    @property
    def spread(self) -> float | None:
        """Ask less bid at the open; None if unknown, or if no fill pays it."""
        ...

    @property
    def close_spread(self) -> float | None:
        """The same at the close."""
        ...


@dataclass
class BarEffect:
    """What a bar did to an account, as rows of the store.

    Attributes:
        fill: the fill of the pending order, without its ID.
        trades: trades the fill closed.
        expired: the pending order, if the bar came too late to fill it.
    """

    fill: Row | None = None
    trades: list[Row] = field(default_factory=list)
    expired: Order | None = None


def pip_value(notional: float, pip: float, price: float) -> float:
    """Money that a `pip` of exposure 1 is, for good: at the first `price` an account sees."""
    return notional * pip / price


class PairAccount:
    """The account of one pair.

    Args:
        pair: symbol.
        rules: trading rules, including costs.
        notional: money behind exposure 1. A basis point is worth a ten-thousandth of it. For
            instruments counted in pips, a pip's worth is fixed at the first price seen.
        fills: when orders are filled.
        clock: counts the sessions over which entries are limited; None if none are.
    """

    def __init__(
        self,
        pair: str,
        rules: TradingRules,
        notional: float,
        fills: FillSettings,
        clock: SessionClock | None = None,
    ) -> None:
        self.pair = pair
        self.core = TradingCore(rules, 1)
        self.order: Order | None = None
        self.bar = -1  # index of the last bar marked
        self.close_ns = 0
        self.close = float("nan")
        self.pip_value = 0.0
        self._notional, self._fills = notional, fills
        self.entry_ns = 0  # open of the bar in which the open trade was entered
        self.clock = clock
        self.session_bar = 0  # minutes into the session of `clock`
        self._session = -1  # its number
        self._first_minute = -1
        self.spread: float | None = None  # last known; followed only where fills pay it
        self.close_spread: float | None = None  # the same at closes
        # The last one, and what is announced of the next; followed only if planned with.
        self.settled_rate: float | None = None
        self.announced_rate: float | None = None

    @property
    def position(self) -> int:
        """Index into the action table."""
        return int(self.core.position[0])

    @property
    def account_state(self) -> int:
        """Row of the rules' account states."""
        return int(self.core.account_state[0])

    @property
    def exposure(self) -> float:
        """Signed exposure held."""
        return float(self.core.exposure[0])

    @property
    def bound_exposure(self) -> float:
        """The larger of the exposure held and the one the pending order asks for."""
        asked = 0.0 if self.order is None else self.order.to_exposure
        return max(asked, self.exposure, key=abs)

    @property
    def entry_price(self) -> float | None:
        """Entry price of the open trade; None when flat."""
        return float(self.core.entry_price[0]) if self.exposure else None

    @property
    def realized(self) -> float:
        """Net profit of the closed trades, in money."""
        return float(self.core.realized_pips[0]) * self.pip_value

    @property
    def unrealized(self) -> float:
        """Gross profit of the open trade at the last mark, in money."""
        return float(self.core.unrealized_pips[0]) * self.pip_value

    @property
    def profit(self) -> float:
        """Total profit in money: closed trades net, the open trade gross less its costs."""
        return float(self.core.equity_pips[0]) * self.pip_value

    def position_features(self) -> F32:
        """``f32[6]`` from the trading core."""
        return np.asarray(self.core.position_features()[0])

    @property
    def hears_quotes(self) -> bool:
        """Whether fills pay the spread that is quoted."""
        return self.core.rules.costs.quoted

    @property
    def hears_settlements(self) -> bool:
        """Whether plans expect settlements to cost what was announced, or settled last."""
        return self.core.rules.funding.follows_settlements

    @property
    def expected_rate(self) -> float:
        """Funding rate that plans expect of settlements to come; NaN where nothing tells any."""
        announced, settled = (
            np.array(np.nan if rate is None else rate)
            for rate in (self.announced_rate, self.settled_rate)
        )
        return float(expected_rates(announced, settled))

    def hear(self, bar: PricedBar, funding: FundingAt) -> None:
        """Note what plans need to know of any bar, also before the account begins.

        Args:
            bar: the next one.
            funding: of it.
        """
        if self.hears_quotes and bar.close_spread is not None:
            self.close_spread = bar.close_spread
        if self.hears_settlements:
            if funding.paid:
                self.settled_rate = funding.paid
            known = not np.isnan(funding.announced)
            self.announced_rate = funding.announced if known else None

    def on_bar(self, bar: PricedBar, funding_rate: float) -> BarEffect:
        """Settle the pending order at the bar, then mark to its close, including funding.

        Args:
            bar: the next one.
            funding_rate: that the market settled in it; 0 if none did.
        """
        effect = BarEffect()
        if self.bar < 0:
            self.core.reset(np.array([bar.open]), np.array([-1]))
            self.pip_value = pip_value(self._notional, self._pip_price(bar.open), bar.open)
        if bar.spread is not None:
            self.spread = bar.spread
        if self.order is not None:
            unpriced = self.core.rules.costs.quoted and self.spread is None
            settled = fate(self.order, bar.open_time_ns, self._fills, unpriced)
            if settled == "filled":
                self._fill(self.order, bar, effect)
            elif settled == "expired":
                effect.expired = self.order
            if settled != "waits":
                self.order = None
        self.bar += 1
        self.core.mark(
            np.array([bar.close]),
            np.array([self.bar]),
            np.array([self._paid_rate(bar, funding_rate)]),
            self._nights_into(bar),
        )
        self.close, self.close_ns = bar.close, bar.close_time_ns
        if self.clock is not None:
            self._count_sessions(self.clock, bar.open_time_ns // MINUTE_NS)
        return effect

    def state(self) -> Row:
        """The account's whole state, as JSON values."""
        return {
            "core": {name: array.tolist() for name, array in self.core.state().items()},
            "order": None if self.order is None else asdict(self.order),
            "bar": self.bar,
            "close": None if np.isnan(self.close) else self.close,
            "close_ns": self.close_ns,
            "pip_value": self.pip_value,
            "entry_ns": self.entry_ns,
            **({} if self.clock is None else {name: getattr(self, name) for name in _COUNTED}),
            **{name: value for name in _HEARD if (value := getattr(self, name)) is not None},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the account that produced `state`."""
        self.core.restore(state["core"])
        self.order = None if state["order"] is None else Order(**state["order"])
        self.bar, self.close_ns = state["bar"], state["close_ns"]
        self.close = float("nan") if state["close"] is None else state["close"]
        self.pip_value, self.entry_ns = state["pip_value"], state["entry_ns"]
        for name in _HEARD:
            setattr(self, name, state.get(name))
        for name in _COUNTED if self.clock is not None else ():
            setattr(self, name, state[name])

    def _count_sessions(self, clock: SessionClock, minute: int) -> None:
        """Begin another session if the next decision belongs to one."""
        if self.bar == 0:
            self._first_minute = minute
        session, self.session_bar = clock.place(minute, self._first_minute)
        if session != self._session:
            self._session = session
            self.core.begin_session()

    def _nights_into(self, bar: PricedBar) -> I64 | None:
        """``i64[1]`` nights between the last bar and `bar`; None without a swap to pay."""
        if not self.core.rules.swap.charges:
            return None
        return swap_nights(np.array([self._last_open_ns(bar)]), np.array([bar.open_time_ns]))

    def _paid_rate(self, bar: PricedBar, settled: float) -> float:
        """Share of a long position's value that is paid within `bar`."""
        funding = self.core.rules.funding
        return funding.rate_between(self._last_open_ns(bar), bar.open_time_ns, settled)

    def _last_open_ns(self, bar: PricedBar) -> int:
        """Open of the bar before `bar`; its own if it is the first."""
        return self.close_ns - MINUTE_NS if self.close_ns else bar.open_time_ns

    def _pip_price(self, price: float) -> float:
        return float(np.max(pip_price(np.array(price), self.core.rules.pip_size)))

    def _fill(self, order: Order, bar: PricedBar, effect: BarEffect) -> None:
        core, before, entered_ns = self.core, self.exposure, self.entry_ns
        pip = self._pip_price(bar.open)
        asked = np.array([order.to_exposure - order.from_exposure])
        (price,) = fill_price(asked, np.array([bar.open]), pip, self._fills).tolist()
        spread = None if self.spread is None else np.array([self.spread])
        done = core.execute(
            np.array([order.action]), np.array([price]), np.array([self.bar]), spread
        )
        change = self.exposure - before
        if done.entered[0]:
            self.entry_ns = bar.open_time_ns
        effect.fill = {
            "order_id": order.id,
            "pair": self.pair,
            "fill_ns": bar.open_time_ns,
            "units": change * self.pip_value / pip,
            "price": price,
            "fee": float(done.cost_pips[0]) * self.pip_value,
            "slippage": abs(change) * self._fills.slippage_pips * self.pip_value,
            "exposure": self.exposure,
        }
        trades = core.ledger.drain()
        for i in range(len(trades)):
            pips = {
                name: float(getattr(trades, f"{name}_pips")[i])
                for name in ("gross", "cost", "funding", "net")
            }
            effect.trades.append(
                {
                    "pair": self.pair,
                    "exposure": float(trades.exposure[i]),
                    "entry_ns": entered_ns,
                    "exit_ns": bar.open_time_ns,
                    "entry_bar": int(trades.entry_bar[i]),
                    "exit_bar": int(trades.exit_bar[i]),
                    "entry_price": float(trades.entry_price[i]),
                    "exit_price": float(trades.exit_price[i]),
                    **{f"{name}_pips": value for name, value in pips.items() if name != "net"},
                    **{name: value * self.pip_value for name, value in pips.items()},
                }
            )
