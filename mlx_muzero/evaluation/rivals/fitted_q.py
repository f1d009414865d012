"""Fitted Q iteration (Ernst, Geurts and Wehenkel 2005) on bars alone: no model, no search.

The market does not answer a price taker, so each bar says what every position would have earned
over it, and costs are known. So a small network learns the worth of each account state from
every bar at once, against its own slowly following copy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from mlx_muzero.evaluation.policy import SessionView, Weighed
from mlx_muzero.evaluation.rivals.changes import PerMarket, lagged
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions, best_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.networks.layers import zero_linear
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.gains import fill_costs, gains, known_costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, F64, I32, I64

Progress = Callable[[int], None]
Weights = dict[str, mx.array]

_MEASURED_BARS = 262_144
"""Training bars, spread evenly, that say how large inputs are."""

_CLIP = 3.0
"""Deviations at which a change in the input begins to saturate."""


@dataclass(frozen=True)
class FittedQRecipe:
    """Sizes of the network and of its fitting: seconds on a year of minute bars.

    Attributes:
        lags: changes in the input, next to the newest row of the market's columns.
        width: of each of the two hidden layers.
        passes: times that every training bar is drawn, on average.
        steps: training steps at least and at most; few bars are drawn in smaller batches.
        checks: times that the validation split is played; the best network is kept.
        batch_sizes: bars in a training step at least and at most.
        learning_rate: Adam's.
        discount: of worth from one bar to the next.
        follow: share of the network that its copy takes on at each step.
    """

    lags: int = 32
    width: int = 64
    passes: float = 20.0
    steps: tuple[int, int] = (600, 3000)
    checks: int = 10
    batch_sizes: tuple[int, int] = (128, 2048)
    learning_rate: float = 1e-3
    discount: float = 0.99
    follow: float = 0.02

    def schedule(self, bars: int) -> tuple[int, int]:
        """Training steps for `bars` training bars, and the bars in each."""
        drawn, (smallest, largest) = self.passes * bars, self.batch_sizes
        batch = min(largest, max(smallest, round(drawn / self.steps[0])))
        return max(1, min(self.steps[1], round(drawn / batch))), batch


class QNetwork(nn.Module):
    """Rows ``f32[n, F]`` -> pips ``f32[n, S]`` from each account state over the next bar on.

    What a new network says is 0.
    """

    def __init__(self, features: int, width: int, states: int, scale: float) -> None:
        super().__init__()
        self.first = nn.Linear(features, width)
        self.second = nn.Linear(width, width)
        self.head = zero_linear(width, states)
        self._scale = scale

    def __call__(self, rows: mx.array) -> mx.array:
        """The worth of each state."""
        hidden = nn.relu(self.second(nn.relu(self.first(rows))))
        return self.head(hidden) * self._scale


@dataclass(frozen=True, eq=False)
class Scales:
    """What brings an input row to the size a network learns from.

    Attributes:
        change_pips: standard deviation of a bar's change.
        mean: ``f32[F]`` of the market's columns.
        deviation: ``f32[F]`` of them.
    """

    change_pips: float
    mean: F32
    deviation: F32

    @classmethod
    def of(cls, changes: F64, newest: F32) -> "Scales":
        """Of training bars: `changes` ``f64[n]`` and market columns ``f32[n, F]``."""
        deviation = np.maximum(newest.std(axis=0), 1e-3)
        return cls(max(float(changes.std()), 1e-12), newest.mean(axis=0), deviation)

    def rows(self, recent: F64, newest: F32) -> mx.array:
        """``f32[n, lags + F]`` input of the last changes ``f64[n, lags]`` and the newest row."""
        squashed = np.tanh(recent / (_CLIP * self.change_pips)).astype(np.float32)
        return mx.array(np.concatenate([squashed, (newest - self.mean) / self.deviation], axis=1))


class FittedQPolicy:
    """Takes the action of the greatest worth after its cost."""

    name = "fitted_q"

    def __init__(
        self, network: QNetwork, scales: Scales, lags: int, max_gap_minutes: float
    ) -> None:
        self.network, self.scales, self.lags = network, scales, lags
        self._changes: PerMarket[F64] = PerMarket(max_gap_minutes, lambda changes: changes)

    def rows(self, dataset: MarketDataset, changes: F64, bar: I64) -> mx.array:
        """``f32[n, lags + F]`` the network's input at each `bar` ``i64[n]`` of `dataset`."""
        return self.scales.rows(lagged(changes, bar, self.lags), dataset.newest_rows(bar))

    def reset(self, env: SessionView) -> None:
        """Do nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """``i32[B]`` actions."""
        return self.weigh(env).action

    def weigh(self, env: SessionView) -> Weighed:
        """Actions by the worth of the states they lead to, less what they cost."""
        recent = lagged(self._changes.of(env), env.bar, self.lags)
        newest = env.observe()[:, -1, : len(self.scales.mean)]
        worth = np.array(self.network(self.scales.rows(recent, newest)))
        spread = None if env.close_spread is None else env.close_spread[env.bar]
        minute = env.open_time_ns[env.bar] // MINUTE_NS
        paid = fill_costs(env.close[env.bar], env.rules, spread, minute)
        choices = _choices(worth, paid, env.states)[np.arange(len(worth)), env.account_state]
        return Weighed(choices.argmax(axis=1).astype(np.int32), choices)


def learning(
    dataset: MarketDataset,
    rules: TradingRules,
    changes: F64,
    bars: I64,
    seed: int,
    recipe: FittedQRecipe,
    progress: Progress = lambda _steps: None,
    exposure_price: float = 0.0,
) -> Iterator[FittedQPolicy]:
    """Fit on `bars`; yields one policy, first as new and then at every check, as it is by then.

    Args:
        dataset: the market.
        rules: actions and costs.
        changes: ``f64[T]`` changes of the whole market in pips, as `bar_changes`.
        bars: ``i64[n]`` training bars; the bar after each can be observed too.
        seed: seeds the first weights and the batches, and MLX's generator of this thread.
        recipe: the sizes of network and fitting.
        progress: hears of every training step.
        exposure_price: pips that a bar of an exposure of 1 pays, because others could use it.
    """
    generator = np.random.default_rng(seed)
    mx.random.seed(seed)
    usual = spread_evenly(bars, _MEASURED_BARS)
    scales = Scales.of(changes[usual], dataset.newest_rows(usual))
    features = recipe.lags + len(scales.mean)
    network, copy = (
        QNetwork(features, recipe.width, rules.states.count, 5.0 * scales.change_pips)
        for _ in range(2)
    )
    copy.update(network.parameters())
    policy = FittedQPolicy(network, scales, recipe.lags, dataset.config.max_gap_minutes)
    yield policy
    optimizer = optimizers.Adam(recipe.learning_rate, bias_correction=True)

    def loss(rows: mx.array, target: mx.array) -> mx.array:
        return mx.square(network(rows) - target).mean()

    step_loss = nn.value_and_grad(network, loss)
    steps, batch = recipe.schedule(len(bars))
    check_every = max(1, steps // recipe.checks)
    for step in range(1, steps + 1):
        drawn = bars[generator.integers(len(bars), size=batch)]
        ahead = np.array(copy(policy.rows(dataset, changes, drawn + 1)))
        paid = known_costs(dataset, rules, drawn + 1)
        later = _choices(ahead, paid, rules.states).max(axis=2)
        earned = gains(dataset, rules, drawn[:, None], final=False)[:, 0] + recipe.discount * later
        earned -= exposure_price * np.abs(rules.states.exposures)
        rows, target = policy.rows(dataset, changes, drawn), earned.astype(np.float32)
        _, gradients = step_loss(rows, mx.array(target))
        optimizer.update(network, gradients)
        copy.update(
            tree_map(partial(_followed, recipe.follow), copy.parameters(), network.parameters())
        )
        mx.eval(network.parameters(), copy.parameters(), optimizer.state)
        progress(1)
        if step % check_every == 0 or step == steps:
            yield policy


class Judge:
    """Plays policies of one `learning` over sessions, whose inputs it computes once."""

    def __init__(self, dataset: MarketDataset, sessions: ValidationSessions) -> None:
        self._dataset, self._sessions = dataset, sessions
        self._seen: list[mx.array] = []

    def net_pips(self, policy: FittedQPolicy) -> float:
        """Net pips a session of `policy` as it is now."""
        sessions = self._sessions
        if not self._seen:
            changes = sessions.changes
            self._seen = [policy.rows(self._dataset, changes, own) for own in sessions.bars]
        worth = np.stack([np.array(policy.network(own)) for own in self._seen])
        return float(sessions.net_pips(1, partial(_decide, worth, sessions))[0])


def fit_fitted_q(
    dataset: MarketDataset,
    validation: ValidationSessions,
    bars: I64,
    seed: int,
    recipe: FittedQRecipe,
    progress: Progress = lambda _steps: None,
    exposure_price: float = 0.0,
) -> FittedQPolicy:
    """Fit on `bars`, keep the network that earned most on the validation split.

    Args:
        dataset: the market.
        validation: its sessions that choose.
        bars: ``i64[n]`` training bars; the bar after each can be observed too.
        seed: as for `learning`.
        recipe: the sizes of network and fitting.
        progress: hears of every training step.
        exposure_price: pips that a bar of an exposure of 1 pays, because others could use it.
    """
    market = dataset, validation.rules, validation.changes, bars
    policies = learning(*market, seed, recipe, progress, exposure_price)
    policy = next(policies)
    judge = Judge(dataset, validation)

    def weights() -> Weights:
        return dict(tree_flatten(policy.network.parameters()))

    untrained = weights()
    kept = best_of(((weights(), judge.net_pips(each)) for each in policies), untrained)
    policy.network.update(tree_unflatten(list(kept.items())))
    return policy


def _followed(share: float, copy: mx.array, network: mx.array) -> mx.array:
    return copy + share * (network - copy)


def _choices(worth: np.ndarray, paid: F64, states: AccountStates) -> F64:
    """``f64[n, S, A]`` what each action leads to from each state, less what it pays."""
    return np.asarray(worth[:, states.next_state] - paid)


def _greedy(worth: np.ndarray, paid: F64, account: I32, states: AccountStates) -> I32:
    """``i32[n]`` best actions in state `account` ``i32[n]``."""
    choices = _choices(worth, paid, states)[np.arange(len(worth)), account]
    return np.asarray(choices.argmax(axis=1), np.int32)


def _decide(worth: F32, validation: ValidationSessions, step: int, account: I32) -> I32:
    """``i32[1, B]`` best actions of one candidate whose worth is ``f32[B, steps, S]``."""
    paid, states = validation.known_costs(step), validation.rules.states
    return _greedy(worth[:, step], paid, account[0], states)[None]
