"""The trading core shared by training, backtest and paper: steps `B` accounts in lockstep.

A step fills the requested action at a price (`execute`), then moves to the next bar's close and
values every account there (`mark`). Money is float64; only the reward and the features are
returned as float32.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mlx_muzero.trading.costs import equity_pips, funding_pips, gross_pips, pip_price
from mlx_muzero.trading.ledger import Ledger, Trades
from mlx_muzero.trading.limits import FREE
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.trading.rewards import Execution, StepEffect
from mlx_muzero.trading.rules import FEATURE_SCALE, POSITION_FEATURES, TradingRules
from mlx_muzero.types import F32, F64, I32, I64, Bool

__all__ = ["POSITION_FEATURES", "TradingCore", "TradingRules"]


class TradingCore:
    """Positions, equity and trades of `B` accounts under one set of rules.

    A trade is a stretch of constant exposure: changing the exposure closes the open trade and opens
    another at the same price, but only the difference between the two is filled and charged
    (`Costs.fill_pips`). The cost of reducing exposure belongs to the trade that ends, the cost of
    adding it to the trade that begins. Arrays are valid after `reset`.

    Attributes:
        rules: actions, costs and reward.
        position: ``i32[B]`` index into the action table.
        entries_made: ``i32[B]`` entries of the session; counted only where the rules limit them.
        entry_price: ``f64[B]`` price of the open trade; meaningless when flat.
        entry_bar: ``i64[B]`` bar of the open trade; meaningless when flat.
        open_cost_pips: ``f64[B]`` costs paid so far on the open trade, 0 when flat.
        open_funding_pips: ``f64[B]`` funding paid so far on the open trade, negative if received.
        realized_pips: ``f64[B]`` net pips of the closed trades.
        illegal_actions: ``i64[B]`` illegal actions so far.
        ledger: record of the closed trades.
    """

    def __init__(self, rules: TradingRules, accounts: int) -> None:
        if accounts < 1:
            raise ValueError(f"accounts is {accounts}, expected at least 1")
        self.rules = rules
        self.accounts = accounts
        self.reset(np.ones(accounts), np.zeros(accounts, np.int64))

    def reset(self, price: F64, bar: I64) -> None:
        """Start sessions flat, without trades, marked at `price` ``f64[B]``, the close of `bar`."""
        accounts = self.accounts
        price = self._vector("price", price)
        self.position: I32 = np.zeros(accounts, np.int32)
        self.entries_made: I32 = np.zeros(accounts, np.int32)
        self.entry_price: F64 = price.copy()
        self.entry_bar: I64 = np.zeros(accounts, np.int64)
        self.open_cost_pips: F64 = np.zeros(accounts)
        self.open_funding_pips: F64 = np.zeros(accounts)
        self.realized_pips: F64 = np.zeros(accounts)
        self.illegal_actions: I64 = np.zeros(accounts, np.int64)
        self.ledger = Ledger()
        self._reward = self.rules.new_reward()
        self._price: F64 = price.copy()
        self._bar: I64 = self._bars(bar)
        self._peak_pips: F64 = np.zeros(accounts)
        self._max_drawdown_pips: F64 = np.zeros(accounts)
        self._drawdown_area: F64 = np.zeros(accounts)

    @property
    def account_state(self) -> I32:
        """``i32[B]`` row of the rules' `AccountStates`."""
        return self.rules.states.of(self.position, self.entries_made)

    @property
    def exposure(self) -> F64:
        """``f64[B]`` signed exposure of the current position."""
        return np.asarray(self.rules.table.exposures[self.position])

    @property
    def unrealized_pips(self) -> F64:
        """``f64[B]`` gross pips of the open trade at the last mark, 0 when flat."""
        return self._gross_pips(self.entry_price, self._price)

    @property
    def equity_pips(self) -> F64:
        """``f64[B]`` net of the closed trades, plus gross of the open one less its costs so far."""
        return equity_pips(
            self.realized_pips, self.unrealized_pips, self.open_cost_pips, self.open_funding_pips
        )

    def step(
        self,
        action: I32,
        price: F64,
        next_price: F64,
        bar: I64,
        final: bool,
        funding_rate: F64 | None = None,
        spread: F64 | None = None,
        next_spread: F64 | None = None,
        nights: I64 | None = None,
        minute: I64 | None = None,
        stage: I64 | None = None,
    ) -> F32:
        """Execute `action` at `price`, move to the next bar, and return the rewards.

        Args:
            action: ``i32[B]`` index of an action of the rules' table.
            price: ``f64[B]`` close of `bar`.
            next_price: ``f64[B]`` close of the bar after it.
            bar: ``i64[B]`` index of the bar on which the action was decided.
            final: whether the session ends: open positions are then closed at `next_price`, at
                bar + 1, and their rewards count in this step.
            funding_rate: ``f64[B]`` funding that settles in the next bar, as in `mark`.
            spread: ``f64[B]`` ask less bid at the fill, as in `execute`.
            next_spread: ``f64[B]`` the same at `next_price`, where `final` closes positions.
            nights: ``i64[B]`` nights whose swap settles in the next bar, as in `mark`.
            minute: ``i64[B]`` minutes since 1970 UTC of the opens of `bar`, as in `execute`.
            stage: ``i64[B]`` of the rules' limits at this decision, as in `execute`.

        Returns:
            ``f32[B]`` rewards of the rules' scheme.

        Raises:
            ValueError: an array of the wrong shape, an action outside the table, or no spread where
                the costs are quoted.
        """
        next_price = self._vector("next_price", next_price)
        if funding_rate is not None:
            funding_rate = self._vector("funding_rate", funding_rate)
        if final:
            next_spread = self._spread(next_spread)
        next_bar = self._bars(bar) + 1
        execution = self.execute(action, price, bar, spread, minute, stage)
        held_pips = self.mark(next_price, next_bar, funding_rate, nights)
        forced = self.position != FLAT if final else np.zeros(self.accounts, np.bool_)
        forced_cost, forced_net = self._force_close(forced, next_bar, next_spread)
        effect = StepEffect(
            execution=execution,
            held_pips=execution.moved_pips + held_pips,
            forced=forced,
            forced_cost_pips=forced_cost,
            forced_net_pips=forced_net,
        )
        return self._reward(effect).astype(np.float32)

    def execute(
        self,
        action: I32,
        price: F64,
        bar: I64,
        spread: F64 | None = None,
        minute: I64 | None = None,
        stage: I64 | None = None,
    ) -> Execution:
        """Fill `action` at `price`; an illegal action changes nothing.

        Where limits want accounts flat, an action that does not go there is illegal, and the
        position is closed by force.

        Args:
            action: ``i32[B]`` index of an action of the rules' table.
            price: ``f64[B]`` fill price, at which the accounts are then valued.
            bar: ``i64[B]`` index of the last closed bar.
            spread: ``f64[B]`` ask less bid at the fill; needed only if the costs are quoted.
            minute: ``i64[B]`` minutes since 1970 UTC of the opens of `bar`; needed only if the
                costs follow a clock.
            stage: ``i64[B]`` of the rules' limits (`Limits.stages`); None if they forbid nothing
                at this decision but by size.

        Returns:
            What happened to each account.

        Raises:
            ValueError: an array of the wrong shape, an action outside the table, or no spread where
                the costs are quoted; the accounts are unchanged.
        """
        table, states = self.rules.table, self.rules.states
        stage = np.full(self.accounts, FREE) if stage is None else stage
        action = np.asarray(action, np.int32)
        if action.shape != (self.accounts,):
            raise ValueError(f"action has shape {action.shape}, expected ({self.accounts},)")
        if action.min() < 0 or action.max() >= len(table.action_names):
            raise ValueError(f"actions must lie in [0, {len(table.action_names)})")
        price, bar = self._vector("price", price), self._bars(bar)

        spread = self._spread(spread)

        before, state = self.position, self.account_state
        illegal = ~self.rules.allowed[stage, state, action]
        next_state = self.rules.taken[stage, state, action]
        after = states.position[next_state]
        changed = before != after
        closed = changed & (before != FLAT)
        entered = changed & (after != FLAT)
        self.illegal_actions += illegal

        moved_pips = self._gross_pips(self._price, price)
        self._price = price.copy()
        exit_cost, entry_cost = self._fill_cost_pips(changed, after, price, spread, minute)
        closed_net = self._close(closed, exit_cost, bar, forced=illegal)
        self.position, self.entries_made = after, states.entries_made[next_state]
        self._enter(entered, entry_cost, bar)
        return Execution(
            flat_before=before == FLAT,
            illegal=illegal,
            moved_pips=moved_pips,
            closed=closed,
            closed_net_pips=closed_net,
            entered=entered,
            cost_pips=exit_cost + entry_cost,
        )

    def mark(
        self,
        price: F64,
        bar: I64,
        funding_rate: F64 | None = None,
        nights: I64 | None = None,
    ) -> F64:
        """Value the accounts at `price` ``f64[B]``, the close of `bar` ``i64[B]``.

        Args:
            price: ``f64[B]`` the close.
            bar: ``i64[B]`` index of the bar.
            funding_rate: ``f64[B]`` sum of the rates that settled in `bar`, 0 where none did. A
                position pays its value at `price` times the rate: longs pay a positive rate,
                shorts receive it.
            nights: ``i64[B]`` nights between the last bar and this one, at which positions pay the
                rules' swap; it is booked as funding.

        Returns:
            ``f64[B]`` pips made by open positions since the last fill or mark, less funding and
            swap.

        Raises:
            ValueError: an array of the wrong shape; the accounts are unchanged.
        """
        price, bar = self._vector("price", price), self._bars(bar)
        held_pips = self._gross_pips(self._price, price)
        if funding_rate is not None:
            rate = self._vector("funding_rate", funding_rate)
            paid = funding_pips(self.exposure, price, rate, self._pip_price(self.entry_price))
            self.open_funding_pips += paid
            held_pips = held_pips - paid
        if nights is not None:
            paid = self.rules.swap.paid_pips(self.exposure, np.asarray(nights))
            self.open_funding_pips += paid
            held_pips = held_pips - paid
        self._price, self._bar = price.copy(), bar
        pips = self.unrealized_pips
        self._peak_pips = np.maximum(self._peak_pips, pips)
        from_peak = self._peak_pips - pips
        self._max_drawdown_pips = np.maximum(self._max_drawdown_pips, from_peak)
        self._drawdown_area += from_peak
        return held_pips

    def begin_session(self) -> None:
        """Allow as many entries as a session has; positions and money stay as they are."""
        self.entries_made = np.zeros_like(self.entries_made)

    def position_features(self) -> F32:
        """``f32[B, n]`` `TradingRules.position_features` at the last mark."""
        pips = self.unrealized_pips
        raw = [
            pips,
            (self._bar - self.entry_bar).astype(np.float64),
            self._peak_pips - pips,
            self._max_drawdown_pips,
            self._drawdown_area,
        ]
        features = np.empty((self.accounts, len(self.rules.position_features)))
        held = features[:, : len(POSITION_FEATURES)]
        held[:, 0] = self.exposure
        held[:, 1:] = np.tanh(np.stack(raw, axis=1) / FEATURE_SCALE)
        held[self.position == FLAT] = 0.0
        after = len(POSITION_FEATURES)
        if self.rules.sees_balance:
            features[:, after] = np.tanh(self.equity_pips / FEATURE_SCALE)
        if self.rules.max_entries:
            left = self.rules.states.entries_left(self.account_state)
            features[:, -1] = left / self.rules.max_entries
        return features.astype(np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """State of the accounts without their closed trades: arrays of length B by name."""
        arrays = {name: a.copy() for name, a in vars(self).items() if isinstance(a, np.ndarray)}
        if not self.rules.max_entries:
            del arrays["entries_made"]  # always 0, and unknown to older records
        return arrays

    def restore(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Restore what `state` returned; closed trades are not restored.

        Raises:
            ValueError: the names or the number of accounts differ.
        """
        now = self.state()
        if state.keys() != now.keys():
            raise ValueError(f"a core has {', '.join(now)}; the state has {', '.join(state)}")
        for name, array in now.items():
            values = np.array(state[name], array.dtype)
            if values.shape != array.shape:
                raise ValueError(f"{name} has shape {values.shape}, expected {array.shape}")
            setattr(self, name, values)

    def _vector(self, name: str, values: F64) -> F64:
        array = np.asarray(values, np.float64)
        if array.shape != (self.accounts,):
            raise ValueError(f"{name} has shape {array.shape}, expected ({self.accounts},)")
        return array

    def _spread(self, spread: F64 | None) -> F64 | None:
        if not self.rules.costs.quoted:
            return None
        if spread is None:
            raise ValueError("a fill at the quotes needs their spread")
        return self._vector("spread", spread)

    def _bars(self, bar: I64) -> I64:
        bars = np.empty(self.accounts, np.int64)
        bars[:] = bar  # several times faster than np.broadcast_to
        return bars

    def _pip_price(self, fill_price: F64) -> F64 | float:
        return pip_price(fill_price, self.rules.pip_size)

    def _gross_pips(self, since: F64, price: F64) -> F64:
        """``f64[B]`` pips before costs of the exposure held, from price `since` to `price`."""
        return gross_pips(self.exposure, since, price, self._pip_price(self.entry_price))

    def _fill_cost_pips(
        self, where: Bool, after: I32, price: F64, spread: F64 | None, minute: I64 | None
    ) -> tuple[F64, F64]:
        """``f64[B]`` each: cost of leaving the current position, of entering `after`; or 0."""
        wanted = np.asarray(self.rules.table.exposures[after])
        left, entered = self.rules.fill_pips(
            self.exposure, self.entry_price, wanted, price, spread, minute
        )
        return np.where(where, left, 0.0), np.where(where, entered, 0.0)

    def _force_close(self, where: Bool, bar: I64, spread: F64 | None) -> tuple[F64, F64]:
        """Go flat at the last mark, `bar`; ``f64[B]`` fill costs and net pips of the trades.

        Both are 0 for accounts outside `where`.
        """
        if not where.any():
            return np.zeros(self.accounts), np.zeros(self.accounts)
        flat = np.zeros(self.accounts, np.int32)
        # Going flat enters nothing, whatever the minute.
        no_minute = np.zeros(self.accounts, np.int64)
        cost, _ = self._fill_cost_pips(where, flat, self._price, spread, no_minute)
        net = self._close(where, cost, bar, forced=where)
        self.position = np.where(where, FLAT, self.position).astype(np.int32)
        return cost, net

    def _close(self, where: Bool, exit_cost: F64, bar: I64, forced: Bool) -> F64:
        """Close and record the open trades in `where`; returns their net pips, 0 elsewhere."""
        net_pips = np.zeros(self.accounts)
        rows = np.flatnonzero(where)
        if not len(rows):
            return net_pips
        trades = Trades(
            account=rows.astype(np.int32),
            exposure=self.exposure[rows],
            entry_bar=self.entry_bar[rows],
            exit_bar=bar[rows],
            entry_price=self.entry_price[rows],
            exit_price=self._price[rows],
            gross_pips=self.unrealized_pips[rows],
            cost_pips=(self.open_cost_pips + exit_cost)[rows],
            funding_pips=self.open_funding_pips[rows],
            forced=forced[rows],
        )
        self.ledger.record(trades)
        net_pips[rows] = trades.net_pips
        self.realized_pips += net_pips
        self.open_cost_pips[rows] = 0.0
        self.open_funding_pips[rows] = 0.0
        return net_pips

    def _enter(self, where: Bool, cost: F64, bar: I64) -> None:
        self.entry_price = np.where(where, self._price, self.entry_price)
        self.entry_bar = np.where(where, bar, self.entry_bar)
        self.open_cost_pips += cost
        for history in (self._peak_pips, self._max_drawdown_pips, self._drawdown_area):
            history[where] = 0.0
