"""Policies without a network: what a planner has to beat, and upper bounds that nobody can.

All are deterministic given their arguments, and independent of the batch they are played in.
"""

from dataclasses import dataclass, field

import numpy as np

from mlx_muzero.evaluation.policy import Moments, SessionView, Weighed
from mlx_muzero.market.synthetic.optima import Optimum
from mlx_muzero.market.synthetic.synthetic_bars import minute_of_day
from mlx_muzero.rng import Stream, key, uniform
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.costs import funding_pips, gross_pips, pip_price
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.types import F64, I32, I64


@dataclass(frozen=True)
class ConstantExposure:
    """Moves to one exposure and stays there."""

    name: str
    exposure: float

    def reset(self, env: SessionView) -> None:
        """Does nothing."""

    def act(self, env: Moments) -> I32:
        """Actions ``i32[B]`` toward the exposure."""
        return env.states.actions_toward(env.account_state, np.full(len(env.bar), self.exposure))


@dataclass(frozen=True)
class Churn:
    """Enters and leaves the market at every step, which shows what costs do."""

    name: str = "churn"

    def reset(self, env: SessionView) -> None:
        """Does nothing."""

    def act(self, env: Moments) -> I32:
        """Actions ``i32[B]`` toward long if flat, otherwise toward flat."""
        wanted = np.where(env.position == FLAT, 1.0, 0.0)
        return env.states.actions_toward(env.account_state, wanted)


FLAT_POLICY = ConstantExposure("flat", 0.0)
BUY_AND_HOLD = ConstantExposure("buy_and_hold", 1.0)


@dataclass(frozen=True)
class RandomPolicy:
    """Chooses uniformly among the legal actions, seeded by session and step."""

    seed: int
    name: str = "random"

    def reset(self, env: SessionView) -> None:
        """Does nothing."""

    def act(self, env: Moments) -> I32:
        """Legal actions ``i32[B]``."""
        draw = uniform(key(self.seed, Stream.POLICY, env.episode, env.step_index))
        legal = env.states.legal_mask(env.account_state)
        wanted = np.floor(draw * legal.sum(axis=1)) + 1
        return np.asarray((legal.cumsum(axis=1) == wanted[:, None]).argmax(axis=1), np.int32)


@dataclass(frozen=True)
class Trend:
    """Always in the market, on the side of the last `lookback` bars' move, or against it.

    Keeps its position if the price has not moved or too few bars are known.
    """

    name: str
    lookback: int
    direction: int

    def reset(self, env: SessionView) -> None:
        """Does nothing."""

    def act(self, env: Moments) -> I32:
        """Actions ``i32[B]`` toward the side wanted."""
        past = np.maximum(env.bar - self.lookback, 0)
        side = self.direction * np.sign(env.close[env.bar] - env.close[past])
        held = env.table.exposures[env.position]
        wanted = np.where(side == 0.0, held, side)
        return env.states.actions_toward(env.account_state, wanted)


def momentum(lookback: int) -> Trend:
    """Long after `lookback` rising bars, short after falling ones."""
    return Trend(f"momentum_{lookback}", lookback, +1)


def mean_reversion(lookback: int) -> Trend:
    """Short after `lookback` rising bars, long after falling ones."""
    return Trend(f"mean_reversion_{lookback}", lookback, -1)


@dataclass
class PerfectForesight:
    """Knows the whole session: the best actions after costs, an upper bound for every policy.

    Exact for instruments counted in pips. In basis points, a position is assumed to be worth its
    notional at every bar, so the bound is off by the session's relative price change, applied to
    costs and gains.

    Attributes:
        bound_pips: ``f64[B]`` net pips of the sessions in the last `reset`.
        worth_pips: ``f64[steps, B, S, A]`` net pips from each step of them to the end if an action
            is taken in an account state and the best ones follow; -inf where illegal.
    """

    name: str = "perfect_foresight"
    bound_pips: F64 = field(default_factory=lambda: np.zeros(0), init=False)
    worth_pips: F64 = field(default_factory=lambda: np.zeros((0, 0, 0, 0)), init=False)

    def reset(self, env: SessionView) -> None:
        """Solve the sessions backward over (step, account state)."""
        rules, states, steps = env.rules, env.states, env.session_bars
        bars = env.bar[:, None] + np.arange(steps + 1)
        close, rate = env.close[bars], env.funding_rate[bars]
        path = close.copy()
        path[:, :-1] = env.fill_price[bars[:, :-1]]
        spread = np.zeros_like(path)
        if env.fill_spread is not None and env.close_spread is not None:
            spread[:, :-1] = env.fill_spread[bars[:, :-1]]
            spread[:, -1] = env.close_spread[bars[:, -1]]
        after = states.next_state
        held, wanted = states.exposures[:, None], states.exposures[after]
        fills = np.where(after != np.arange(len(after))[:, None], 1.0, 0.0)
        final, flat = path[:, -1, None], np.zeros_like(states.exposures)
        leave, _ = rules.costs.fill_pips(
            states.exposures,
            flat,
            final,
            rules.pip_size,
            spread[:, -1, None],
            np.zeros(1, np.int64),  # going flat enters nothing, whatever the minute
        )
        worth = -leave
        self.worth_pips = np.empty((steps, len(path), *after.shape))
        for step in reversed(range(steps)):
            here, there = path[:, step, None], path[:, step + 1, None]
            pip = pip_price(here, rules.pip_size)
            worth = worth + gross_pips(states.exposures, here, there, pip)
            settled = close[:, step + 1, None]
            worth = worth - funding_pips(states.exposures, settled, rate[:, step + 1, None], pip)
            if env.swap_nights is not None:
                nights = env.swap_nights[bars[:, step + 1, None]]
                worth = worth - rules.swap.paid_pips(states.exposures, nights)
            decided = env.open_time_ns[bars[:, step]] // MINUTE_NS
            stage = rules.limits.stages(decided.shape, decided, np.full(len(decided), step))
            minute = decided[:, None, None]
            leave, enter = rules.costs.fill_pips(
                held, wanted, here[..., None], rules.pip_size, spread[:, step, None, None], minute
            )
            paid = np.where(rules.allowed[stage], fills * (leave + enter), np.inf)
            choices = worth[:, after] - paid
            self.worth_pips[step] = choices
            worth = choices.max(axis=2)
        self.bound_pips = worth[:, FLAT]

    def act(self, env: SessionView) -> I32:
        """Best actions ``i32[B]``."""
        return self.weigh(env).action

    def weigh(self, env: SessionView) -> Weighed:
        """Actions by their worth, which does not plan for a limit that sessions share."""
        worth = self.worth_pips[env.step_index, np.arange(len(env.bar)), env.account_state]
        return Weighed(worth.argmax(axis=1).astype(np.int32), worth)


@dataclass
class BestPolicy:
    """The best policy on a planted market that cannot see the future."""

    optimum: Optimum
    name: str = "best_policy"
    _close: F64 = field(default_factory=lambda: np.zeros(0), init=False)
    _seen: F64 = field(default_factory=lambda: np.zeros(0), init=False)
    _start_minute: I64 = field(default_factory=lambda: np.zeros(0, np.int64), init=False)

    def reset(self, env: SessionView) -> None:
        """Read the closes (once per dataset) and note when the sessions start.

        Raises:
            ValueError: the optimum was computed for another session length, cost, pip or limit on
                entries.
        """
        own, optimum = env.rules, self.optimum
        bars = own.limits.playable(env.session_bars)
        rules = (bars, own.costs.by_minute, own.pip_size, own.max_entries)
        solved = (optimum.session_bars, optimum.entry_pips, optimum.pip_size, optimum.max_entries)
        if rules != solved:
            raise ValueError(
                f"sessions play by {rules} (bars, costs, pip, entries), the optimum by {solved}"
            )
        if self._close is not env.close:
            self._close = env.close
            self._seen = self.optimum.read(env.close, env.open_time_ns)
        self._start_minute = minute_of_day(env.open_time_ns[env.bar])

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]`` by the optimum."""
        if env.step_index >= self.optimum.session_bars:  # a limit wants all flat
            return env.states.actions_toward(env.account_state, np.zeros(len(env.bar)))
        wanted = self.optimum.wanted_exposure(
            self._seen[env.bar],
            env.table.exposures[env.position],
            self.optimum.session_bars - env.step_index,
            self._start_minute,
            env.states.entries_left(env.account_state),
        )
        return env.states.actions_toward(env.account_state, wanted)
