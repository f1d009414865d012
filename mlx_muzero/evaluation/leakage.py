"""The leakage test: what is known at a bar must not change when everything after it does.

At each of several bars t, the prices, volumes and times of every pair after the close of t are
replaced, along with the later values of its series, and the whole dataset is rebuilt. Market
columns and outcomes up to t, and what policies see, decide and earn up to t, must not change by a
bit. One policy looks ahead on purpose: the test counts only if that policy is caught.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.errors import LeakageError
from mlx_muzero.evaluation.baselines import PerfectForesight
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.market.bars import Bars, utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.market.series import Series
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.rng import Stream, key, uniform
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.types import F32, I64

LONGEST_PLAY = 64
"""Decisions played before a cut."""

MOVE_FRAC = 0.002
"""Standard deviation of a replaced bar's change: several times that of a real one."""

_LATE_NS = 3 * MINUTE_NS
"""How much later the bars after a cut come: shifted times, but no hole that ends a session."""


@dataclass(frozen=True)
class LeakageCheck:
    """The comparison of one thing that must not depend on the future.

    Attributes:
        name: what was compared.
        compared: number of values compared, over all cuts.
        different: how many of them changed.
        example: UTC time of the cut and of the first changed bar; None if none changed.
    """

    name: str
    compared: int
    different: int
    example: str | None


@dataclass(frozen=True)
class LeakageReport:
    """Result of the test.

    Attributes:
        pairs: symbols of the bars.
        cuts: number of bars after which everything was replaced.
        checks: what was compared.
        control_caught: number of cuts at which the policy that looks ahead was caught.
    """

    pairs: str
    cuts: int
    checks: tuple[LeakageCheck, ...]
    control_caught: int

    @property
    def leaks(self) -> tuple[LeakageCheck, ...]:
        """The checks that found a difference."""
        return tuple(check for check in self.checks if check.different)

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self)

    def failure(self) -> LeakageError | None:
        """Why the test failed; None if it passed."""
        if self.leaks:
            names = ", ".join(check.name for check in self.leaks)
            return LeakageError(f"the future leaks into: {names}. First, {self.leaks[0].example}.")
        if not self.control_caught:
            return LeakageError(
                "no leak was found, but the policy that looks ahead was not caught either: these "
                "bars prove nothing. Raise --cuts, or import more bars."
            )
        return None


@dataclass(frozen=True, eq=False)
class _Play:
    """What one policy saw, chose and earned up to a cut; the first axis is the step."""

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray


def check_leakage(
    histories: Sequence[PairHistory],
    rebuild: Callable[[Sequence[PairHistory]], MarketDataset],
    rules: TradingRules,
    policies: Sequence[Policy],
    cuts: int,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> LeakageReport:
    """Test `histories`, the dataset `rebuild` makes from them, and `policies` under `rules`.

    Args:
        histories: bars and series from the user's own store.
        rebuild: builds the dataset from bars and series.
        rules: actions and costs.
        policies: policies that play up to the cuts; none of them may look ahead.
        cuts: number of bars t to cut at, spread evenly over the training sessions.
        seed: seed of the replacement and of the position of a cut in its session.
        tick: called after every cut.
    """
    dataset, caught = rebuild(histories), 0
    tally = _Tally(dataset.open_time_ns)
    names = market_feature_names(dataset.config)
    starts = spread_evenly(dataset.training_starts(), cuts)
    for number, start in enumerate(starts.tolist()):
        cut = start + _offset(dataset, seed, number)
        end_ns = int(dataset.open_time_ns[cut]) + MINUTE_NS
        other = rebuild([replaced_after(each, end_ns, seed + number) for each in histories])
        known = np.flatnonzero(dataset.open_time_ns + MINUTE_NS <= end_ns)
        tally.compare("outcome labels", dataset.outcomes[known], other.outcomes[known], cut, known)
        if rules.funding.follows_settlements:
            one_rate, other_rate = (each.expected_funding[known] for each in (dataset, other))
            tally.compare("expected funding", one_rate, other_rate, cut, known)
        seen = known[dataset.seen_from[known] >= 0]
        before, after = _rows(dataset, seen), _rows(other, seen)
        for column, name in enumerate(names):
            tally.compare(f"column {name}", before[:, column], after[:, column], cut, seen)
        for policy in policies:
            one, two = (_play(policy, market, rules, start, cut) for market in (dataset, other))
            name, steps = policy.name, np.arange(start, cut + 1)
            tally.compare(f"observations of {name}", one.observation, two.observation, cut, steps)
            tally.compare(f"decisions of {name}", one.action, two.action, cut, steps)
            tally.compare(f"rewards of {name}", one.reward, two.reward, cut, steps[1:])
        ahead = [_play(PerfectForesight(), each, rules, start, cut) for each in (dataset, other)]
        caught += bool((ahead[0].action != ahead[1].action).any())
        tick()
    return LeakageReport(dataset.label, len(starts), tally.checks(), caught)


def replaced_after(history: PairHistory, end_ns: int, seed: int) -> PairHistory:
    """Copy `history`, replacing everything that was not known at `end_ns`."""
    rng = np.random.default_rng(seed)
    series = {name: _other_values(each, end_ns, rng) for name, each in history.series.items()}
    return replace(history, bars=_other_bars(history.bars, end_ns, rng), series=series)


def _other_bars(bars: Bars, end_ns: int, rng: np.random.Generator) -> Bars:
    kept = int(np.searchsorted(bars.open_time_ns, end_ns - MINUTE_NS, side="right"))
    late, last = len(bars) - kept, bars.close[max(kept - 1, 0)]
    close = last * np.exp(np.cumsum(rng.normal(0.0, MOVE_FRAC, late)))
    opened = np.concatenate([close[:1], close[:-1]])
    reach = np.exp(np.abs(rng.normal(0.0, MOVE_FRAC, late)))
    later = {
        "open_time_ns": bars.open_time_ns[kept:] + _LATE_NS,
        "open": opened,
        "high": np.maximum(opened, close) * reach,
        "low": np.minimum(opened, close) / reach,
        "close": close,
        "volume": rng.exponential(1000.0, late),
    }
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(bars, name)[:kept], after]) for name, after in later.items()
    }
    extras = {
        name: np.concatenate([values[:kept], rng.exponential(1000.0, late)])
        for name, values in bars.extras.items()
    }
    return replace(bars, **columns, extras=extras)


def _other_values(series: Series, end_ns: int, rng: np.random.Generator) -> Series:
    late = series.known_ns > end_ns
    values = np.where(late, series.value * rng.uniform(-2.0, 2.0, len(series)), series.value)
    return replace(series, value=values)


def _rows(dataset: MarketDataset, bar: I64) -> F32:
    """The market's columns at each `bar` ``i64[n]`` alone, ``f32[n, columns]``."""
    narrow = replace(dataset, config=replace(dataset.config, window_bars=1))
    return narrow.windows(bar)[:, 0]


def _offset(dataset: MarketDataset, seed: int, number: int) -> int:
    """Steps from a session's start to its cut."""
    longest = min(LONGEST_PLAY, dataset.config.session_bars - 1)
    return 1 + int(float(uniform(key(seed, Stream.SESSION, number))) * (longest - 1))


def _play(
    policy: Policy, dataset: MarketDataset, rules: TradingRules, start: int, cut: int
) -> _Play:
    """Play from `start` up to the decision at `cut`, which is not executed."""
    env = SessionEnv(dataset, rules, np.array([start], np.int64))
    policy.reset(env)
    observations, actions, rewards = [], [], []
    for bar in range(start, cut + 1):
        observations.append(env.observe()[0])
        action = policy.act(env)
        actions.append(action[0])
        if bar < cut:
            rewards.append(env.step(action).reward[0])
    return _Play(np.stack(observations), np.array(actions), np.array(rewards))


class _Tally:
    """Accumulates comparisons by name, for bars that open at `open_time_ns`."""

    def __init__(self, open_time_ns: I64) -> None:
        self._open_time_ns = open_time_ns
        self._found: dict[str, LeakageCheck] = {}

    def compare(self, name: str, one: np.ndarray, two: np.ndarray, cut: int, bars: I64) -> None:
        """Compare bit for bit; row i of both belongs to bar ``bars[i]``."""
        changed = (_bits(one) != _bits(two)).reshape(len(one), -1)
        so_far = self._found.get(name, LeakageCheck(name, 0, 0, None))
        example = so_far.example
        if example is None and changed.any():
            bar = int(bars[changed.any(axis=1).argmax()])
            example = f"cut after {self._time(cut)}, bar {self._time(bar)}"
        self._found[name] = LeakageCheck(
            name, so_far.compared + one.size, so_far.different + int(changed.sum()), example
        )

    def _time(self, bar: int) -> str:
        return utc_text(int(self._open_time_ns[bar]))

    def checks(self) -> tuple[LeakageCheck, ...]:
        """All comparisons, in order."""
        return tuple(self._found.values())


def _bits(values: np.ndarray) -> np.ndarray:
    """`values` as integers, so that NaN equals itself and 0 differs from -0."""
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
