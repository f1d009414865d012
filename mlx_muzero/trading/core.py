"""The one trading core of training, backtest and paper: `B` accounts stepped in lockstep.

An action decided at bar t executes at its close; then time moves to bar t+1, where everything
is marked. Money is float64; only the reward and the features leave as float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from mlx_muzero.config import Config
from mlx_muzero.trading.costs import gross_pips, trade_cost_pips
from mlx_muzero.trading.ledger import Ledger, Trades
from mlx_muzero.trading.positions import FLAT, FX_ACTIONS, ILLEGAL, ActionTable
from mlx_muzero.trading.rewards import Execution, StepEffect, reward_function
from mlx_muzero.types import F32, F64, I32, I64, Bool

POSITION_FEATURES = (
    "position_side",
    "position_pips",
    "bars_since_entry",
    "pips_from_peak",
    "max_drawdown_pips",
    "accumulated_dd",
)
"""FX "Position State Features", in order; the last five are tanh(x / 100)."""

_FEATURE_SCALE = 100.0


@dataclass(frozen=True)
class TradingRules:
    """What an account may do and what it pays.

    Attributes:
        table: positions and actions.
        pip_size: price of one pip.
        round_trip_cost_pips: spread and commission of one trade of exposure 1.
        reward: "amddp1" or "mark_to_market".
        reward_scale: reward per pip of mark_to_market.
    """

    table: ActionTable = FX_ACTIONS
    pip_size: float = 0.01
    round_trip_cost_pips: float = 4.0
    reward: str = "amddp1"
    reward_scale: float = 1.0

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """FX's actions under the configured costs and reward."""
        return cls(
            pip_size=config.market.pip_size,
            round_trip_cost_pips=config.trading.round_trip_cost_pips,
            reward=config.trading.reward,
            reward_scale=config.trading.reward_scale,
        )

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a pip or scale that is not positive, a negative cost, or no such reward.
        """
        if not self.pip_size > 0.0 or not self.reward_scale > 0.0:
            raise ValueError("pip_size and reward_scale must be positive")
        if not self.round_trip_cost_pips >= 0.0:
            raise ValueError("round_trip_cost_pips must not be negative")
        reward_function(self.reward, self.reward_scale)


class TradingCore:
    """Positions, equity and trades of `B` accounts under one set of rules.

    A change of exposure closes the open trade and opens another; each trade pays its own round
    trip. All attributes are arrays ``[B]`` and valid after `reset`.

    Attributes:
        rules: the rules.
        position: int32, index into the action table.
        entry_price: float64, price of the open trade; meaningless when flat.
        entry_bar: int64, bar of the open trade; meaningless when flat.
        realized_pips: float64, net pips of the closed trades.
        illegal_actions: int64, illegal actions so far.
        ledger: the closed trades.
    """

    def __init__(self, rules: TradingRules, accounts: int) -> None:
        if accounts < 1:
            raise ValueError(f"accounts is {accounts}, wanted at least 1")
        self.rules = rules
        self.accounts = accounts
        self._reward = reward_function(rules.reward, rules.reward_scale)
        self.reset(np.zeros(accounts), np.zeros(accounts, np.int64))

    def reset(self, price: F64, bar: I64) -> None:
        """Begin sessions: flat and without trades, marked at `price` ``[B]``, close of `bar`."""
        accounts = self.accounts
        self.position: I32 = np.zeros(accounts, np.int32)
        self.entry_price: F64 = np.zeros(accounts)
        self.entry_bar: I64 = np.zeros(accounts, np.int64)
        self.realized_pips: F64 = np.zeros(accounts)
        self.illegal_actions: I64 = np.zeros(accounts, np.int64)
        self.ledger = Ledger()
        self._price: F64 = self._vector("price", price).copy()
        self._bar: I64 = np.array(np.broadcast_to(bar, accounts), np.int64)
        self._peak_pips: F64 = np.zeros(accounts)
        self._max_drawdown_pips: F64 = np.zeros(accounts)
        self._drawdown_area: F64 = np.zeros(accounts)

    @property
    def exposure(self) -> F64:
        """``[B]`` float64, signed exposure held."""
        return np.asarray(self.rules.table.exposures[self.position])

    @property
    def unrealized_pips(self) -> F64:
        """``[B]`` float64, gross pips of the open trade at the last mark, 0 when flat."""
        return gross_pips(self.exposure, self.entry_price, self._price, self.rules.pip_size)

    @property
    def equity_pips(self) -> F64:
        """``[B]`` float64, closed trades net, plus the open one gross, less its whole cost."""
        cost = trade_cost_pips(self.exposure, self.rules.round_trip_cost_pips)
        return self.realized_pips + self.unrealized_pips - cost

    def step(self, action: I32, price: F64, next_price: F64, bar: I64, final: bool) -> F32:
        """Execute `action` at `price`, move to the next bar, and return the rewards.

        Args:
            action: ``[B]`` int32.
            price: ``[B]`` float64, close of `bar`.
            next_price: ``[B]`` float64, close of the bar after it.
            bar: ``[B]`` int64, index of the bar the action was decided on.
            final: the session ends: open positions are closed at `next_price`, bar + 1, and
                their rewards belong to this step.

        Returns:
            ``[B]`` float32 rewards of the rules' scheme.

        Raises:
            ValueError: an array of the wrong shape or an action outside the table.
        """
        next_price = self._vector("next_price", next_price)
        next_bar = np.array(np.broadcast_to(bar, self.accounts), np.int64) + 1
        execution = self.execute(action, price, bar)
        held_pips = self.mark(next_price, next_bar)
        forced = self.position != FLAT if final else np.zeros(self.accounts, np.bool_)
        forced_net_pips = self._close(forced, self._price, next_bar, forced=True)
        self.position = np.where(forced, FLAT, self.position).astype(np.int32)
        effect = StepEffect(
            execution=execution,
            held_pips=execution.moved_pips + held_pips,
            forced=forced,
            forced_net_pips=forced_net_pips,
        )
        return self._reward(effect).astype(np.float32)

    def execute(self, action: I32, price: F64, bar: I64) -> Execution:
        """Fill what `action` asks for at `price`; an illegal action changes nothing.

        Args:
            action: ``[B]`` int32.
            price: ``[B]`` float64, what is paid or received; the accounts are marked at it.
            bar: ``[B]`` int64, index of the last closed bar.

        Returns:
            What the accounts did.

        Raises:
            ValueError: an array of the wrong shape or an action outside the table; nothing has
                changed then.
        """
        table = self.rules.table
        action = np.asarray(action, np.int32)
        if action.shape != (self.accounts,):
            raise ValueError(f"action has shape {action.shape}, wanted ({self.accounts},)")
        if action.min() < 0 or action.max() >= len(table.action_names):
            raise ValueError(f"actions must lie in [0, {len(table.action_names)})")
        price = self._vector("price", price)
        bar = np.array(np.broadcast_to(bar, self.accounts), np.int64)

        before = self.position
        after = table.next_position[before, action]
        illegal = np.asarray(after == ILLEGAL)
        after = np.where(illegal, before, after).astype(np.int32)
        changed = before != after
        closed = changed & (before != FLAT)
        entered = changed & (after != FLAT)
        self.illegal_actions += illegal

        moved_pips = gross_pips(self.exposure, self._price, price, self.rules.pip_size)
        self._price = price.copy()
        closed_net = self._close(closed, price, bar, forced=False)
        self.position = after
        self._enter(entered, price, bar)
        entry_cost = trade_cost_pips(self.exposure, self.rules.round_trip_cost_pips)
        return Execution(
            flat_before=before == FLAT,
            illegal=illegal,
            moved_pips=moved_pips,
            closed=closed,
            closed_net_pips=closed_net,
            entered=entered,
            entry_cost_pips=np.where(entered, entry_cost, 0.0),
        )

    def mark(self, price: F64, bar: I64) -> F64:
        """Value the accounts at `price`, the close of `bar` (both ``[B]``).

        Returns:
            ``[B]`` float64, pips what is held made since the last fill or mark.

        Raises:
            ValueError: an array of the wrong shape; nothing has changed then.
        """
        price = self._vector("price", price)
        held_pips = gross_pips(self.exposure, self._price, price, self.rules.pip_size)
        self._price, self._bar = (
            price.copy(),
            np.array(np.broadcast_to(bar, self.accounts), np.int64),
        )
        pips = self.unrealized_pips
        self._peak_pips = np.maximum(self._peak_pips, pips)
        from_peak = self._peak_pips - pips
        self._max_drawdown_pips = np.maximum(self._max_drawdown_pips, from_peak)
        self._drawdown_area += from_peak
        return held_pips

    def position_features(self) -> F32:
        """``[B, 6]`` float32, `POSITION_FEATURES` at the last mark, all zero when flat.

        position_side is the signed exposure. Pips are gross, and the peak begins at the entry's
        0; accumulated_dd adds up pips_from_peak over the bars since.
        """
        pips = self.unrealized_pips
        raw = np.stack(
            [
                pips,
                (self._bar - self.entry_bar).astype(np.float64),
                self._peak_pips - pips,
                self._max_drawdown_pips,
                self._drawdown_area,
            ],
            axis=1,
        )
        features = np.empty((self.accounts, len(POSITION_FEATURES)))
        features[:, 0] = self.exposure
        features[:, 1:] = np.tanh(raw / _FEATURE_SCALE)
        features[self.position == FLAT] = 0.0
        return features.astype(np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Everything the accounts are, but for closed trades: ``[B]`` arrays by name."""
        return {name: a.copy() for name, a in vars(self).items() if isinstance(a, np.ndarray)}

    def restore(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Be as the core was that gave `state`, without its closed trades.

        Raises:
            ValueError: it is of other names or of another number of accounts.
        """
        now = self.state()
        if state.keys() != now.keys():
            raise ValueError(f"a core has {', '.join(now)}; the state has {', '.join(state)}")
        for name, array in now.items():
            values = np.array(state[name], array.dtype)
            if values.shape != array.shape:
                raise ValueError(f"{name} has shape {values.shape}, wanted {array.shape}")
            setattr(self, name, values)

    def _vector(self, name: str, values: F64) -> F64:
        array = np.asarray(values, np.float64)
        if array.shape != (self.accounts,):
            raise ValueError(f"{name} has shape {array.shape}, wanted ({self.accounts},)")
        return array

    def _close(self, where: Bool, price: F64, bar: I64, forced: bool) -> F64:
        """Book and record the open trades at `where`; returns their net pips, 0 elsewhere."""
        net_pips = np.zeros(self.accounts)
        rows = np.flatnonzero(where)
        if not len(rows):
            return net_pips
        exposure = self.exposure[rows]
        entry_price, exit_price = self.entry_price[rows], price[rows]
        trades = Trades(
            account=rows.astype(np.int32),
            exposure=exposure,
            entry_bar=self.entry_bar[rows],
            exit_bar=bar[rows],
            entry_price=entry_price,
            exit_price=exit_price,
            gross_pips=gross_pips(exposure, entry_price, exit_price, self.rules.pip_size),
            cost_pips=trade_cost_pips(exposure, self.rules.round_trip_cost_pips),
            forced=np.full(len(rows), forced),
        )
        self.ledger.record(trades)
        net_pips[rows] = trades.net_pips
        self.realized_pips += net_pips
        return net_pips

    def _enter(self, where: Bool, price: F64, bar: I64) -> None:
        self.entry_price = np.where(where, price, self.entry_price)
        self.entry_bar = np.where(where, bar, self.entry_bar)
        for history in (self._peak_pips, self._max_drawdown_pips, self._drawdown_area):
            history[where] = 0.0
