"""Which features a policy earns with: what it earns less when they tell of another time.

Permutation importance (Breiman, "Random Forests", 2001, section 10), of net pips after costs and by
group, as columns that tell the same would stand in for each other. A group's columns are read where
another session of the same pair was, at a step moved by a number of its own: among themselves and
in time they stay as they are, and say nothing of the market that is traded.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest, Doing, backtest
from mlx_muzero.evaluation.policy import Policy, SessionView, Weighed, Weigher
from mlx_muzero.evaluation.session_groups import interval
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.feature_groups import PAIR, feature_groups
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, I32, I64, Advance

REPEATS = 3
"""Permutations of each group."""


@dataclass(frozen=True)
class Importance:
    """What a group of features is worth.

    Attributes:
        group: its name.
        columns: of an observation.
        net_pips: a session, with these permuted.
        lost: net pips a session that the permutation costs, the mean of `REPEATS`.
        low: lower end of its 95 % interval over groups of overlapping sessions; None with one.
        high: upper end.
    """

    group: str
    columns: tuple[str, ...]
    net_pips: float
    lost: float
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self)


class ObservingPolicy(Policy, Weigher, Protocol):
    """A policy that decides by what it observes, and says what actions are worth."""


def permutation_importance(
    policy: ObservingPolicy,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    played: Backtest,
    seed: int = 0,
    repeats: int = REPEATS,
    tick: Advance = lambda _decisions: None,
    doing: Doing = lambda _what, _total: None,
) -> tuple[Importance, ...]:
    """The importance of each group of market features, the most important first.

    Args:
        policy: decides by what it observes.
        dataset: the market.
        rules: actions and costs.
        starts: ``i64[n]`` of the sessions.
        played: what it earned on them.
        seed: seed of the permutations.
        repeats: permutations of each group.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.
    """
    names = market_feature_names(dataset.config)
    before = played.equity_pips[:, -1]
    found = []
    for number, (group, columns) in enumerate(feature_groups(dataset.config).items()):
        if group == PAIR:
            continue  # within a pair, all of its sessions say the same
        doing(f"without {group}: decisions", repeats * len(starts) * dataset.config.session_bars)
        after = np.zeros(len(starts))
        for repeat in range(repeats):
            generator = np.random.default_rng([seed, number, repeat])
            permuted = _Permuted(policy, dataset, starts, columns, generator)
            again = backtest(permuted, dataset, rules, starts, tick)
            after += again.equity_pips[:, -1] / repeats
        lost = before - after
        found.append(
            Importance(
                group,
                tuple(names[column] for column in columns),
                float(after.mean()),
                float(lost.mean()),
                *interval(played.groups.resampled_means(lost)),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.lost))


def elsewhere(dataset: MarketDataset, starts: I64, generator: np.random.Generator) -> I64:
    """``i64[n, steps]`` bars at which sessions read permuted columns.

    Each reads another session of its pair, if there is one, from another step on, and goes on at
    its beginning after its end.
    """
    steps = dataset.config.session_bars
    other = np.empty(len(starts), np.int64)
    pair = dataset.pair[starts]
    for one in np.unique(pair):
        own = generator.permutation(np.flatnonzero(pair == one))
        other[own] = np.roll(own, 1)
    moved = generator.integers(1, max(steps, 2), size=len(starts))
    step = (np.arange(steps) + moved[:, None]) % steps
    return starts[other][:, None] + step


class _Permuted:
    """A policy that sees some columns of other times."""

    def __init__(
        self,
        policy: ObservingPolicy,
        dataset: MarketDataset,
        starts: I64,
        columns: Sequence[int],
        generator: np.random.Generator,
    ) -> None:
        self.name = policy.name
        self._policy, self._dataset, self._columns = policy, dataset, list(columns)
        self._sources = elsewhere(dataset, starts, generator)
        self._place = {int(start): place for place, start in enumerate(starts)}

    def reset(self, env: Any) -> None:
        """Find the sessions of `env`, a `SessionEnv`."""
        self._rows = np.array([self._place[int(start)] for start in env.starts])
        self._policy.reset(env)

    def act(self, env: SessionView) -> I32:
        """``i32[B]`` what the policy does about what it is shown."""
        return self._policy.act(self._shown(env))

    def weigh(self, env: SessionView) -> Weighed:
        """What it makes of the actions."""
        return self._policy.weigh(self._shown(env))

    def _shown(self, env: SessionView) -> SessionView:
        seen = env.observe()
        bars = self._sources[self._rows, env.step_index]
        seen[:, :, self._columns] = self._dataset.windows(bars)[:, :, self._columns]
        return _Shown(env, seen)


class _Shown:
    """A view of sessions with another observation."""

    def __init__(self, env: SessionView, observation: F32) -> None:
        self._env, self._observation = env, observation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def observe(self) -> F32:
        """``f32[B, W, F]`` what is shown instead."""
        return self._observation
