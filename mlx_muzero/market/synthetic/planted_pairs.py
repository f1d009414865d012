"""Several pairs that share a limit on exposure: more is on offer than anyone can take.

Each pair is a market of its own. In any bar its price may be kicked up or down, and drifts the same
way in the bars that follow: after a strong kick much and not for long, after a weak one little and
for longer, until it is over or the next kick comes. In sum a weak kick brings nearly as much as a
strong one, but holds the exposure for more than twice as long. Noise is too small to be taken for
a kick, nor is one kind of kick taken for the other, so that closes reveal what is to come.

The difficulty is what to do with the one unit of exposure that all pairs share. A rule that looks
at each pair alone holds on to a slow drift while a fast one goes by.
"""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from mlx_muzero.types import F64, I64, Bool

IDLE = 0
"""The state of a pair in which nothing drifts."""


@dataclass(frozen=True)
class PlantedPairs:
    """Parameters of the market.

    At a cost of 4 pips and with one unit of exposure for all four pairs, the best policy earns
    34 pips in a pair's session of 360 bars with these defaults, 136 in all four. One pair alone
    earns half of that; who plans for each pair as if it were alone, 86 %.

    Attributes:
        pairs: how many there are.
        max_total_exposure: what all may hold together; the best policy is known for 1.
        strong_probability: that a bar holds a strong kick.
        strong_drift_pips: drift of the first bar after it.
        strong_decay: drift of a bar over that of the bar before.
        strong_bars: how many bars drift.
        weak_probability: that a bar holds a weak kick.
        weak_drift_pips: drift of each bar after it.
        weak_bars: how many bars drift.
        noise_below_pips: noise moves a bar by less than this, evenly.
        weak_kick_pips: size of a weak kick; a strong one has twice that.
        pip_size: price of one pip.
    """

    pairs: int = 4
    max_total_exposure: float = 1.0
    strong_probability: float = 0.02
    strong_drift_pips: float = 3.5
    strong_decay: float = 0.6
    strong_bars: int = 4
    weak_probability: float = 0.03
    weak_drift_pips: float = 0.8
    weak_bars: int = 10
    noise_below_pips: float = 1.2
    weak_kick_pips: float = 10.0
    pip_size: float = 0.01

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: a parameter is out of range, or a kick could be taken for something else.
        """
        if not (self.pairs >= 2 and self.max_total_exposure == 1.0):
            raise ValueError("there must be at least 2 pairs, and a limit of 1 on their exposure")
        kicked = self.strong_probability + self.weak_probability
        if not (min(self.strong_probability, self.weak_probability) > 0.0 and kicked < 1.0):
            raise ValueError("the probabilities of kicks must be positive, their sum below 1")
        if not (0.0 < self.strong_decay <= 1.0 and min(self.strong_bars, self.weak_bars) >= 1):
            raise ValueError("strong_decay must lie in (0, 1], and drifts last at least one bar")
        if not min(self.strong_drift_pips, self.weak_drift_pips, self.pip_size) > 0.0:
            raise ValueError("drifts and pip_size must be positive")
        other = max(self.strong_drift_pips, self.weak_drift_pips) + self.noise_below_pips
        if not 0.0 < 2.0 * other < self.weak_kick_pips:
            raise ValueError(
                f"kicks of {self.weak_kick_pips:g} pips could be taken for drift and noise of up "
                f"to {other:g}: they must be more than twice that"
            )

    @cached_property
    def drift(self) -> F64:
        """``f64[S]`` pips by which the next bar drifts, by state: idle, strong, then weak ages."""
        strong = self.strong_drift_pips * self.strong_decay ** np.arange(self.strong_bars)
        return np.concatenate([[0.0], strong, np.full(self.weak_bars, self.weak_drift_pips)])

    @property
    def first_states(self) -> tuple[int, int]:
        """States right after a strong and after a weak kick."""
        return 1, 1 + self.strong_bars

    @property
    def kick_probabilities(self) -> tuple[float, float]:
        """Of a strong and of a weak kick."""
        return self.strong_probability, self.weak_probability

    @cached_property
    def older(self) -> I64:
        """``i64[S]`` state a bar later where no kick comes."""
        _, weak = self.first_states
        older = np.arange(1, len(self.drift) + 1)
        older[[IDLE, weak - 1, -1]] = IDLE
        return older

    def as_dict(self) -> dict[str, float]:
        """The parameters as a JSON-able dict."""
        return asdict(self)


def draw_changes(market: PlantedPairs, bars: int, rng: np.random.Generator) -> F64:
    """``f64[bars]`` changes of one pair in pips, idle before the first."""
    drawn = rng.random(bars)
    strong = drawn < market.strong_probability
    kicks = drawn < sum(market.kick_probabilities)
    side: F64 = 1.0 - 2.0 * rng.integers(2, size=bars).astype(np.float64)
    size = market.weak_kick_pips * (kicks + strong.astype(np.float64))
    noise = market.noise_below_pips * rng.uniform(-1.0, 1.0, bars)
    ahead = signed_states(market, kicks, strong, side)
    # What the bars before know of a bar, not that bar itself.
    before = np.append(IDLE, ahead[:-1])
    return np.asarray(np.sign(before) * market.drift[np.abs(before)] + size * side + noise)


def read_signed_states(close: F64, market: PlantedPairs) -> I64:
    """``i64[T]`` the state that the closes up to each bar reveal, negative where it drifts down."""
    change: F64 = np.append(0.0, np.diff(close) / market.pip_size)
    kicks = np.abs(change) > 0.5 * market.weak_kick_pips
    strong = np.abs(change) > 1.5 * market.weak_kick_pips
    side: F64 = np.sign(change)
    return signed_states(market, kicks, strong, side)


def signed_states(market: PlantedPairs, kicks: Bool, strong: Bool, side: F64) -> I64:
    """``i64[T]`` as `read_signed_states`, from kicks, the strong ones and their sides."""
    bars = np.arange(len(kicks))
    last = np.maximum.accumulate(np.where(kicks, bars, -1))
    age = bars - last
    first_strong, first_weak = market.first_states
    was_strong = strong[last]
    lasts = np.where(was_strong, market.strong_bars, market.weak_bars)
    state = np.where(was_strong, first_strong, first_weak) + age
    state = np.where((last >= 0) & (age < lasts), state, IDLE)
    return np.asarray(state * side[last].astype(np.int64))
