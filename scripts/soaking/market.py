"""A made-up market of perpetual contracts: bars and settlements of funding, by minute."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.small_config import SMALL_CONFIG
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.config.schema import Config
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.series import FUNDING_RATE, Series
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64

FEED = "ccxt:binanceusdm"
_COINS = ("BTC", "ETH", "SOL", "XRP", "BNB", "LTC", "LINK", "AVAX", "BCH", "ETC", "SUI", "ADA",
          "DOT", "UNI", "NEAR", "ATOM")  # fmt: skip
PAIRS = tuple(f"{coin}USDT" for coin in _COINS)
_STAMP_NS = 3_000_000  # a settlement is stamped some milliseconds late, as real ones are


class Market:
    """What happens at the venue, whatever it says of it.

    Args:
        pairs: our names.
        first_minute: since 1970.
        minutes: how many there are.
        changes_minute: from when funding settles every four hours instead of every eight.
        seed: of the prices and rates.
    """

    def __init__(
        self,
        pairs: tuple[str, ...],
        first_minute: int,
        minutes: int,
        changes_minute: int,
        seed: int,
    ) -> None:
        self.pairs, self.first_minute, self.minutes = pairs, first_minute, minutes
        self._changes_minute, self._seed = changes_minute, seed
        self._rows: dict[str, F64] = {}
        for number, pair in enumerate(pairs):
            draw = np.random.default_rng((seed, number))
            close = 100.0 * np.exp(np.cumsum(draw.normal(0.0, 4e-4, minutes)))
            opened = np.concatenate([close[:1], close[:-1]])
            reach = 1.0 + draw.exponential(1e-4, minutes)
            high, low = np.maximum(opened, close) * reach, np.minimum(opened, close) / reach
            columns = (opened, high, low, close, draw.lognormal(2.0, 1.0, minutes))
            self._rows[pair] = np.round(np.stack(columns, axis=1), 4)

    @property
    def end_minute(self) -> int:
        """The minute after the last."""
        return self.first_minute + self.minutes

    def values(self, pair: str, minute: int) -> list[float]:
        """Open, high, low, close and volume of a minute, once it is over."""
        row: list[float] = self._rows[pair][minute - self.first_minute].tolist()
        return row

    def settlements(self, first_ns: int, end_ns: int) -> list[int]:
        """Times in [first_ns, end_ns) at which funding settles."""
        hour_ns, changes_ns = 60 * MINUTE_NS, self._changes_minute * MINUTE_NS
        begin = -(-(first_ns - _STAMP_NS) // hour_ns) * hour_ns
        return [
            time_ns + _STAMP_NS
            for time_ns in range(begin, end_ns - _STAMP_NS, hour_ns)
            if (time_ns // hour_ns) % (8 if time_ns < changes_ns else 4) == 0
        ]

    def rate(self, pair: str, time_ns: int) -> float:
        """The rate of a settlement."""
        number = self.pairs.index(pair)
        drawn = np.random.default_rng((self._seed, number, time_ns // MINUTE_NS)).normal(1.0, 2.0)
        return float(np.round(1e-4 * drawn, 8))

    def store(self, path: Path, end_minute: int) -> None:
        """Write everything before `end_minute` to a new bar store, as a download would have."""
        count, end_ns = end_minute - self.first_minute, end_minute * MINUTE_NS
        opens = MINUTE_NS * (self.first_minute + np.arange(count, dtype=np.int64))
        times = np.array(self.settlements(self.first_minute * MINUTE_NS, end_ns), np.int64)
        with BarStore(path) as store:
            for pair in self.pairs:
                store.write(Bars(Symbol(pair), opens, *self._rows[pair][:count].T.copy()))
                rates = np.array([self.rate(pair, int(time_ns)) for time_ns in times])
                with store.transaction():
                    store.write_series(Series(pair, FUNDING_RATE, times, times, rates))


def recipe(pairs: tuple[str, ...], simulations: int) -> Config:
    """A model of few parameters that knows the bars and the funding of `pairs`."""
    market = replace(
        CRYPTO.market,
        symbol=Symbol(pairs[0]),
        symbols=tuple(map(Symbol, pairs)),
        timeframes=(),
        context=("funding_rate",),
        macro=(),
        session_bars=12,
        window_bars=4,
    )
    return replace(
        SMALL_CONFIG,
        market=market,
        trading=replace(CRYPTO.trading, reward=SMALL_CONFIG.trading.reward),
        search=replace(SMALL_CONFIG.search, num_simulations=simulations, threads=1),
    )
