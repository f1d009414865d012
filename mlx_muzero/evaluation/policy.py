"""What a policy is, and what of a session it may look at."""

from typing import Protocol

from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, F64, I32, I64, U64


class SessionView(Protocol):
    """`B` sessions in lockstep, as a policy sees them.

    An honest policy reads `close`, `funding_rate` and `open_time_ns` up to `bar` only.
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
    def funding_rate(self) -> F64:
        """``f64[T]`` rate that a long position pays on its worth within each bar, mostly 0."""
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
    def rules(self) -> TradingRules:
        """Actions and costs."""
        ...

    @property
    def table(self) -> ActionTable:
        """Positions and actions of the rules."""
        ...

    @property
    def step_index(self) -> int:
        """Decisions already made in the session."""
        ...

    @property
    def session_bars(self) -> int:
        """Decisions of a whole session."""
        ...

    @property
    def episode(self) -> U64:
        """``u64[B]`` identity of each session, for seeding."""
        ...

    def observe(self) -> F32:
        """``f32[B, W, F]`` what an agent sees at `bar`."""
        ...


class Decider(Protocol):
    """Chooses an action for every session at every step."""

    def reset(self, env: SessionView) -> None:
        """Sessions begin: `env` stands at their first decision."""
        ...

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]`` for the decision `env` stands at."""
        ...


class Policy(Decider, Protocol):
    """A decider with a name."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...
