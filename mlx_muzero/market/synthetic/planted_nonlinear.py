"""A market whose edge no line sees: what a kick of the price announces depends on the volatility.

Noise is calm or stormy, in bands that do not overlap. In any bar the price may be kicked up or
down. A kick in calm noise is followed by drift the same way, one in stormy noise by drift the
other way; the drift decays bar by bar, until the next kick replaces it.

The line's blindness is by construction. With drift ``d r^(k-1)`` in the k-th bar after a kick and
a next kick with probability ``1 - u`` a bar, drift in successive bars covaries with
``(r u)^h d^2 / (1 - r^2 u)`` at lag h, and the kick with the drift that it announces, on average
over calm and storm, with ``-(2 w - 1) K d (r u)^(h-1)``, where w is the share of storms and K the
size of a kick. `PlantedNonlinear.kick_pips` is the K at which both add up to 0 at every lag: the
changes are uncorrelated, and what remains is in their products.

Closes reveal kicks, noise and drift exactly, so that the bars since the last kick and the side it
announced are all that a best policy needs (`mlx_muzero.market.synthetic.nonlinear_optimum`).
"""

from dataclasses import asdict, dataclass

import numpy as np

from mlx_muzero.types import F64, I64, Bool

LAST_AGE = 256
"""Bars after a kick from which on its drift counts as none, and as its age goes on no longer."""


@dataclass(frozen=True)
class PlantedNonlinear:
    """Parameters of the market.

    At a cost of 4 pips, the best policy earns 129 pips in a session of 360 bars with these
    defaults. A line earns next to nothing, as its weights are noise. A rule that knows kicks but
    not the noise they came in earns nothing: fading every kick, because storms are more frequent,
    makes 3 pips a trade before costs.

    Attributes:
        drift_pips: drift of the first bar after a kick.
        decay: drift of a bar over that of the bar before (r).
        kick_probability: that a bar holds a kick (1 - u).
        stormy_share: share of bars in stormy noise (w), more than half.
        mean_calm_bars: bars until a storm, on average.
        calm_below_pips: calm noise moves a bar by less than this.
        stormy_from_pips: stormy noise moves a bar by at least this.
        stormy_below_pips: and by less than this.
        pip_size: price of one pip.
    """

    drift_pips: float = 2.5
    decay: float = 0.8
    kick_probability: float = 0.05
    stormy_share: float = 0.65
    mean_calm_bars: float = 150.0
    calm_below_pips: float = 0.8
    stormy_from_pips: float = 1.2
    stormy_below_pips: float = 2.5
    pip_size: float = 0.01

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: a parameter is out of range, or a kick could be taken for noise.
        """
        if not (0.0 < self.decay < 1.0 and 0.0 < self.kick_probability < 1.0):
            raise ValueError("decay and kick_probability must lie between 0 and 1")
        if not 0.5 < self.stormy_share < 1.0:
            raise ValueError(f"stormy_share is {self.stormy_share}, not in (0.5, 1)")
        if not 0.0 < self.calm_below_pips < self.stormy_from_pips < self.stormy_below_pips:
            raise ValueError("stormy noise must begin above calm noise")
        if not (min(self.drift_pips, self.pip_size) > 0.0 and self.mean_calm_bars > 1.0):
            raise ValueError("drift_pips and pip_size must be positive, mean_calm_bars above 1")
        largest_other = self.drift_pips + self.stormy_below_pips
        if self.kick_pips <= 2.0 * largest_other:
            raise ValueError(
                f"kicks of {self.kick_pips:.1f} pips could be taken for drift and noise of up to "
                f"{largest_other:.1f}: lower the noise, or stormy_share, which makes kicks larger"
            )

    @property
    def kick_pips(self) -> float:
        """Size of a kick, at which changes are uncorrelated at every lag."""
        survival = 1.0 - self.kick_probability
        spread = 1.0 - self.decay**2 * survival
        followed = self.drift_pips * self.decay * survival / spread
        return followed / (2.0 * self.stormy_share - 1.0)

    def drift(self, age: I64) -> F64:
        """Drift in pips of the bars that come `age` bars after a kick (1: the next), same shape."""
        return np.where(age < LAST_AGE, self.drift_pips * self.decay ** (age - 1.0), 0.0)

    def as_dict(self) -> dict[str, float]:
        """The parameters as a JSON-able dict."""
        return asdict(self)


def draw_changes(market: PlantedNonlinear, bars: int, rng: np.random.Generator) -> tuple[F64, F64]:
    """Changes and standard deviations ``f64[bars]`` in pips; the first bar holds no kick."""
    stormy = _storms(market, bars, rng)
    kicks = rng.random(bars) < market.kick_probability
    kicks[0] = False
    side = 1.0 - 2.0 * rng.integers(2, size=bars)
    low = np.where(stormy, market.stormy_from_pips, 0.0)
    high = np.where(stormy, market.stormy_below_pips, market.calm_below_pips)
    noise = (low + (high - low) * rng.random(bars)) * (1.0 - 2.0 * rng.integers(2, size=bars))
    announced = np.where(stormy, -side, side).astype(np.float64)
    ahead = signed_ages(kicks, announced)
    # What the bars before know of a bar, not that bar itself.
    drift = np.append(0.0, (np.sign(ahead) * market.drift(np.abs(ahead)))[:-1])
    sigma = np.sqrt((low**2 + low * high + high**2) / 3.0)
    return drift + noise + market.kick_pips * side * kicks, sigma


def read_signed_ages(close: F64, market: PlantedNonlinear) -> I64:
    """What the closes up to each bar tell of the next bar.

    Args:
        close: ``f64[T]`` closes, from the market's first bar on.
        market: its parameters.

    Returns:
        ``i64[T]`` bars after the last kick that the next bar comes, 1 to `LAST_AGE`, negative where
        it drifts down.
    """
    change = np.append(0.0, np.diff(close) / market.pip_size)
    kicks = np.abs(change) > market.kick_pips / 2.0
    places = np.flatnonzero(kicks)
    between = (market.calm_below_pips + market.stormy_from_pips) / 2.0
    residual = change[places] - np.copysign(market.kick_pips, change[places])
    old = market.drift(np.minimum(np.diff(places, prepend=places[:1] - LAST_AGE), LAST_AGE))
    announced = np.zeros(len(close))
    side = 1.0
    for place, rest, drift in zip(places.tolist(), residual.tolist(), old.tolist(), strict=True):
        stormy = abs(rest - side * drift) > between
        side = float(np.sign(change[place])) * (-1.0 if stormy else 1.0)
        announced[place] = side
    return signed_ages(kicks, announced)


def signed_ages(kicks: Bool, announced: F64) -> I64:
    """``i64[T]`` as `read_signed_ages`, from the kicks ``bool[T]`` and the sides they announce."""
    bars = np.arange(len(kicks))
    last = np.maximum.accumulate(np.where(kicks, bars, -1))
    age = np.where(last >= 0, np.minimum(bars - last + 1, LAST_AGE), LAST_AGE)
    side = np.where(last >= 0, announced[np.maximum(last, 0)], 1.0)
    return np.asarray(age * side.astype(np.int64))


def _storms(market: PlantedNonlinear, bars: int, rng: np.random.Generator) -> Bool:
    """``bool[bars]`` whether noise is stormy: spells of geometric length, calm and stormy."""
    mean_stormy = market.mean_calm_bars * market.stormy_share / (1.0 - market.stormy_share)
    begins_stormy = rng.random() < market.stormy_share
    # A spell lasts a bar or more, so there are never more of them than bars.
    kind = (np.arange(bars) + begins_stormy) % 2 == 1
    lengths = rng.geometric(1.0 / np.where(kind, mean_stormy, market.mean_calm_bars))
    return np.asarray(np.repeat(kind, lengths)[:bars])
