"""The interface of policies, and what they may see of a session."""

from typing import NamedTuple, Protocol, runtime_checkable

from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, F64, I32, I64, U64


class Moments(Protocol):
    """`B` decisions, of any sessions and steps, as the simplest policies see them.

    An honest policy reads `close` only up to `bar`. Every `SessionView` is one.
    """

    @property
    def bar(self) -> I64:
        """``i64[B]`` the last known bar of each."""
        ...

    @property
    def close(self) -> F64:
        """``f64[T]`` every close of the data."""
        ...

    @property
    def position(self) -> I32:
        """``i32[B]`` index into `table`."""
        ...

    @property
    def account_state(self) -> I32:
        """``i32[B]`` index into `states`."""
        ...

    @property
    def table(self) -> ActionTable:
        """Positions and actions of the rules."""
        ...

    @property
    def states(self) -> AccountStates:
        """States of an account under the rules."""
        ...

    @property
    def step_index(self) -> int | I64:
        """Number of decisions already made in the session; ``i64[B]`` where they differ."""
        ...

    @property
    def episode(self) -> U64:
        """``u64[B]`` identity of each session, for seeding."""
        ...


class SessionView(Protocol):
    """`B` sessions in lockstep, as a policy sees them.

    An honest policy reads `close`, `funding_rate` and `open_time_ns` only up to `bar`.
    """

    @property
    def bar(self) -> I64:
        """``i64[B]`` the last known bar, at whose close the action executes."""
        ...

    @property
    def close(self) -> F64:
        """``f64[T]`` every close of the data."""
        ...

    @property
    def fill_price(self) -> F64:
        """``f64[T]`` price at which an action decided at each bar fills; not known at the bar yet.

        Reading it is looking ahead where fills are at the next open.
        """
        ...

    @property
    def fill_spread(self) -> F64 | None:
        """``f64[T]`` ask less bid where `fill_price` fills; None unless the quotes are paid."""
        ...

    @property
    def close_spread(self) -> F64 | None:
        """``f64[T]`` ask less bid at each close; None unless the quotes are paid."""
        ...

    @property
    def swap_nights(self) -> I64 | None:
        """``i64[T]`` nights whose swap settles in each bar; None if there is no swap."""
        ...

    @property
    def funding_rate(self) -> F64:
        """``f64[T]`` rate a long position pays on its value within each bar, mostly 0."""
        ...

    @property
    def expected_rate(self) -> F64 | None:
        """``f64[T]`` funding rate expected by each close; None unless it is planned with."""
        ...

    @property
    def open_time_ns(self) -> I64:
        """``i64[T]`` UTC bar opens."""
        ...

    @property
    def position(self) -> I32:
        """``i32[B]`` index into `table`."""
        ...

    @property
    def account_state(self) -> I32:
        """``i32[B]`` index into `states`."""
        ...

    @property
    def rules(self) -> TradingRules:
        """Actions and costs."""
        ...

    @property
    def table(self) -> ActionTable:
        """Positions and actions of the rules."""
        ...

    @property
    def states(self) -> AccountStates:
        """States of an account under the rules, and what actions lead to in each."""
        ...

    @property
    def stage(self) -> I64:
        """``i64[B]`` of the rules' limits at the current decisions."""
        ...

    @property
    def step_index(self) -> int:
        """Number of decisions already made in the session."""
        ...

    @property
    def session_bars(self) -> int:
        """Number of decisions in a whole session."""
        ...

    @property
    def episode(self) -> U64:
        """``u64[B]`` identity of each session, for seeding."""
        ...

    def observe(self) -> F32:
        """Observations ``f32[B, W, F]`` at `bar`."""
        ...


class Decider(Protocol):
    """Chooses an action for every session at every step."""

    def reset(self, env: SessionView) -> None:
        """Start new sessions: `env` is at their first decision."""
        ...

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]`` for the current decision of `env`."""
        ...


class Policy(Decider, Protocol):
    """A decider with a name."""

    @property
    def name(self) -> str:
        """The name used in reports."""
        ...


class MomentaryPolicy(Protocol):
    """A policy that remembers nothing, so that decisions can be taken in any order."""

    @property
    def name(self) -> str:
        """The name used in reports."""
        ...

    def act(self, env: Moments) -> I32:
        """Actions ``i32[B]`` for the decisions of `env`."""
        ...


class Weighed(NamedTuple):
    """Decisions with what they were chosen by.

    Attributes:
        action: ``i32[B]`` what each session does alone.
        worth: ``f64[B, A]`` of every action, in one unit for all; read where they are legal.
    """

    action: I32
    worth: F64


@runtime_checkable
class Weigher(Protocol):
    """A decider that says what actions are worth, so that sessions can share a limit."""

    def weigh(self, env: SessionView) -> Weighed:
        """Decisions of `env`, with the worth of what else could be done."""
        ...
