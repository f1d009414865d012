"""The trading rules of an account: actions, costs, reward and position features."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from mlx_muzero.config.choices import FillAt
from mlx_muzero.config.schema import Config
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.costs import Costs, Swap, pip_price
from mlx_muzero.trading.funding import Funding
from mlx_muzero.trading.limits import MUST_BE_FLAT, Limits
from mlx_muzero.trading.positions import ACTION_TABLES, FLAT, FX_ACTIONS, ActionTable
from mlx_muzero.trading.rewards import RewardFunction, Sharpe, reward_function
from mlx_muzero.types import F64, I32, I64, Bool

POSITION_FEATURES = (
    "position_side",
    "position_pips",
    "bars_since_entry",
    "pips_from_peak",
    "max_drawdown_pips",
    "accumulated_dd",
)
"""FX "Position State Features", in order; the last five are tanh(x / 100), and all are 0 when flat.

position_side is the signed exposure. Pips are gross and of the open trade; their peak starts at 0
on entry, and accumulated_dd sums pips_from_peak over the bars since.
"""

BALANCE_FEATURE = "balance_pips"
"""tanh(x / 100) of the account's net pips since the session began (CRYPTO 3A)."""

ENTRIES_FEATURE = "entries_left"
"""Share of a session's entries that are left; observed only where they are limited."""

FEATURE_SCALE = 100.0


@dataclass(frozen=True)
class ExposureLimit:
    """A limit that accounts share which trade at the same time.

    Attributes:
        total: largest sum of their absolute exposures.
        accounts: how many there are.
    """

    total: float
    accounts: int

    @classmethod
    def of(cls, config: Config, accounts: int) -> "ExposureLimit | None":
        """The configured one for so many accounts; None if there is none."""
        total = config.trading.max_total_exposure
        return cls(total, accounts) if total else None

    def fits(self, table: ActionTable) -> bool:
        """Whether all accounts can hold the largest position of `table` at once."""
        return float(self.accounts * np.abs(table.exposures).max()) <= self.total


@dataclass(frozen=True)
class TradingRules:
    """The rules that apply to every account of a run.

    Attributes:
        table: positions and actions.
        pip_size: price of one pip; 0 where a pip is a basis point of the fill price.
        costs: what fills cost.
        reward: "amddp1", "mark_to_market", "differential_sharpe" or a registered name.
        reward_scale: reward per pip of mark_to_market, or per unit of differential_sharpe.
        sharpe: constants of differential_sharpe.
        sees_balance: whether the agent also observes its account's balance.
        fill: where actions fill: at the close they were decided at, or at the open after it.
        swap: what holding overnight costs.
        funding: what holding costs when funding is due.
        max_entries: entries that a session allows; 0: any number.
        session_bars: decisions of a session, at whose end plans expect accounts to go flat; 0 where
            plans expect no end. Known where entries are limited.
        exposure_limit: what accounts of the same time may hold together; None: anything.
        limits: when and how large positions may be.
    """

    table: ActionTable = FX_ACTIONS
    pip_size: float = 0.01
    costs: Costs = Costs()
    reward: str = "amddp1"
    reward_scale: float = 1.0
    sharpe: Sharpe = Sharpe()
    sees_balance: bool = False
    fill: FillAt = "close"
    swap: Swap = Swap()
    funding: Funding = Funding()
    max_entries: int = 0
    session_bars: int = 0
    exposure_limit: ExposureLimit | None = None
    limits: Limits = Limits()

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The configured actions, costs and reward."""
        trading = config.trading
        return cls(
            table=ACTION_TABLES[trading.actions],
            pip_size=config.market.pip_size,
            costs=Costs.from_config(trading),
            reward=trading.reward,
            reward_scale=trading.reward_scale,
            sharpe=Sharpe(trading.sharpe_rate, trading.sharpe_deviation_pips),
            sees_balance=trading.actions == "targets",
            fill=trading.fill,
            swap=Swap(trading.swap_long_pips, trading.swap_short_pips),
            funding=Funding.from_config(trading),
            max_entries=trading.max_entries,
            session_bars=config.market.session_bars if trading.max_entries else 0,
            exposure_limit=ExposureLimit.of(config, len(config.market.pairs)),
            limits=Limits.of(trading.flat_by, trading.no_entries, trading.max_exposure),
        )

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a negative pip, a scale that is not positive, or an unknown reward.
        """
        if not self.pip_size >= 0.0 or not self.reward_scale > 0.0:
            raise ValueError("pip_size must not be negative and reward_scale must be positive")
        self.new_reward()

    @property
    def learnable(self) -> Self:
        """What a factored model learns the worth of positions under.

        Its search adds limits, swap, and funding that it expects.
        """
        return replace(self, limits=Limits(), swap=Swap(), funding=self.funding.unpaid)

    @cached_property
    def states(self) -> AccountStates:
        """What an account's legal actions depend on."""
        return AccountStates(self.table, self.max_entries)

    @cached_property
    def allowed(self) -> Bool:
        """``bool[3, S, A]`` actions that table and limits allow, by stage of the limits."""
        return self.limits.allowed(self.states)

    @cached_property
    def taken(self) -> I32:
        """``i32[3, S, A]`` state in which an account ends that asks for an action, by stage.

        What is not allowed changes nothing, but a position that must not be held is closed.
        """
        states = self.states
        stays = np.arange(states.count, dtype=np.int32)[:, None]
        taken = np.where(self.allowed, states.next_state, stays)
        flat = states.of(np.full(states.count, FLAT, np.int32), states.entries_made)[:, None]
        taken[MUST_BE_FLAT] = np.where(self.allowed[MUST_BE_FLAT], taken[MUST_BE_FLAT], flat)
        return taken.astype(np.int32)

    @property
    def position_features(self) -> tuple[str, ...]:
        """Names of the account features in an observation, in order."""
        balance = (BALANCE_FEATURE,) * self.sees_balance
        return POSITION_FEATURES + balance + (ENTRIES_FEATURE,) * (self.max_entries > 0)

    @property
    def unit(self) -> str:
        """What reports call one pip: "pips" or "bps"."""
        return "pips" if self.pip_size else "bps"

    def fill_pips(
        self,
        held: F64,
        entry_price: F64,
        wanted: F64,
        price: F64,
        spread: F64 | None = None,
        minute: I64 | None = None,
    ) -> tuple[F64, F64]:
        """Pips paid to leave the exposure `held` and to enter the one `wanted`, elementwise.

        What is held counts at its current value: in basis points, it grew with the price.

        Args:
            held: signed exposure.
            entry_price: price at which it was filled; anything where nothing is held.
            wanted: signed exposure.
            price: of the fill.
            spread: as of `Costs.fill_pips`.
            minute: likewise.
        """
        grew = pip_price(price, self.pip_size) / pip_price(entry_price, self.pip_size)
        return self.costs.fill_pips(held * grew, wanted, price, self.pip_size, spread, minute)

    def new_reward(self) -> RewardFunction:
        """A new reward function for one session."""
        return reward_function(self.reward, self.reward_scale, self.sharpe)
