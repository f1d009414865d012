"""An environment that steps B trading sessions in lockstep (observations, rewards).

Shared by collection, validation and backtest. At step i of a session that starts at bar s, the
agent knows the bars up to s+i and acts at the close of bar s+i; the step moves to bar s+i+1.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingCore, TradingRules
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, F64, I8, I32, I64, U64


def observation_features(config: Config) -> tuple[str, ...]:
    """Names of an observation's columns, market columns first: the schema a checkpoint records."""
    account = TradingRules.from_config(config).position_features
    return market_feature_names(config.market) + account


@dataclass(frozen=True, eq=False)
class Step:
    """The market's response to a step.

    Attributes:
        reward: ``f32[B]`` reward of the step, including a forced close at the session's end.
        outcome: ``i8[B]`` chance outcome of the bar that follows.
    """

    reward: F32
    outcome: I8


class SessionEnv:
    """B sessions that start flat at bars `starts` ``i64[B]`` and advance together."""

    def __init__(self, dataset: MarketDataset, rules: TradingRules, starts: I64) -> None:
        self.dataset = dataset
        self.rules = rules
        self.starts = starts
        self.step_index = 0
        self.core = TradingCore(rules, len(starts))
        self.core.reset(dataset.close[starts], starts)

    @property
    def bar(self) -> I64:
        """Last known bar of each session, ``i64[B]``."""
        return self.starts + self.step_index

    @property
    def position(self) -> I32:
        """Position index of each account, ``i32[B]``."""
        return self.core.position

    @property
    def account_state(self) -> I32:
        """State of each account, ``i32[B]``, a row of `states`."""
        return self.core.account_state

    @property
    def close(self) -> F64:
        """Closes of the whole market, ``f64[T]``; the agent knows those up to `bar`."""
        return self.dataset.close

    @property
    def fill_price(self) -> F64:
        """Price at which an action decided at each bar fills, ``f64[T]``."""
        return self.dataset.fill_prices(self.rules.fill)

    @property
    def fill_spread(self) -> F64 | None:
        """Ask less bid where an action decided at each bar fills, ``f64[T]``; None if not paid."""
        return self.dataset.fill_spreads(self.rules.fill) if self.rules.costs.quoted else None

    @property
    def close_spread(self) -> F64 | None:
        """Ask less bid at each close, ``f64[T]``; None if not paid."""
        return self.dataset.close_spreads if self.rules.costs.quoted else None

    @property
    def swap_nights(self) -> I64 | None:
        """Nights whose swap settles in each bar, ``i64[T]``; None if there is no swap."""
        return self.dataset.passing.nights if self.rules.swap.charges else None

    @property
    def funding_rate(self) -> F64:
        """Funding that is paid within each bar of the whole market, ``f64[T]``."""
        return self.rules.funding.rates(self.dataset)

    @property
    def expected_rate(self) -> F64 | None:
        """Rate that plans expect of settlements to come, by close, ``f64[T]``, NaN where unknown.

        None unless plans expect what was announced or settled.
        """
        follows = self.rules.funding.follows_settlements
        return self.dataset.expected_funding if follows else None

    @property
    def open_time_ns(self) -> I64:
        """Open times of the whole market, ``i64[T]``; the agent knows those up to `bar`."""
        return self.dataset.open_time_ns

    @property
    def minute(self) -> I64:
        """Minutes since 1970 UTC at which the last known bars opened, ``i64[B]``."""
        return np.asarray(self.open_time_ns[self.bar] // MINUTE_NS)

    @property
    def stage(self) -> I64:
        """Stage of the rules' limits at the current decisions, ``i64[B]``."""
        decisions = np.full(len(self.starts), self.step_index)
        return self.rules.limits.stages(decisions.shape, self.minute, decisions)

    @property
    def table(self) -> ActionTable:
        """Positions and actions."""
        return self.rules.table

    @property
    def states(self) -> AccountStates:
        """States of an account, and what actions lead to in each."""
        return self.rules.states

    @property
    def episode(self) -> U64:
        """Identity of each session, for seeding, ``u64[B]``: its pair's rank by name and first bar.

        It does not depend on the order of the configured pairs.
        """
        pairs = self.dataset.config.pairs
        place = np.array([sorted(pairs).index(symbol) for symbol in pairs], np.uint64)
        pair = self.dataset.pair[self.starts]
        bar = self.starts - np.searchsorted(self.dataset.pair, pair)
        return (place[pair] << np.uint64(32)) + bar.astype(np.uint64)

    @property
    def session_bars(self) -> int:
        """Number of steps in one session."""
        return self.dataset.config.session_bars

    @property
    def done(self) -> bool:
        """Whether the sessions have ended; all end together."""
        return self.step_index == self.session_bars

    def position_features(self) -> F32:
        """`TradingRules.position_features` of each account, ``f32[B, n]``."""
        return self.core.position_features()

    def observe(self) -> F32:
        """Observations ``f32[B, W, F]`` at the last known bar."""
        return observations(self.dataset, self.bar, self.position_features())

    def step(self, action: I32) -> Step:
        """Fill `action` ``i32[B]``, decided at the last known bar, and advance one bar."""
        if self.done:
            raise ValueError("the sessions have ended")
        bar = self.bar
        price, next_close = self.fill_price[bar], self.dataset.close[bar + 1]
        final = self.step_index + 1 == self.session_bars
        funding_rate = self.rules.funding.rates(self.dataset, bar + 1)
        spread, at_close, nights = self.fill_spread, self.close_spread, self.swap_nights
        reward = self.core.step(
            action,
            price,
            next_close,
            bar,
            final,
            funding_rate,
            spread=None if spread is None else spread[bar],
            next_spread=None if at_close is None else at_close[bar + 1],
            nights=None if nights is None else nights[bar + 1],
            minute=self.minute,
            stage=self.stage,
        )
        self.step_index += 1
        return Step(reward=reward, outcome=self.dataset.outcomes[bar + 1])


def observations(dataset: MarketDataset, bar: I64, position_features: F32) -> F32:
    """``f32[B, W, F]`` windows ending at `bar` ``i64[B]``, position features repeated across W."""
    market = dataset.windows(bar)
    held = position_features[:, None, :]
    held = np.broadcast_to(held, (*market.shape[:2], held.shape[2]))
    return np.concatenate([market, held], axis=2)
