"""One pair of a recorded session: its bars, its dataset for the batch path, and its account."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.funding_rates import FundingAt
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.quotes import OPEN_SPREAD
from mlx_muzero.market.series import MACRO, SeriesByName
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.context import series_of
from mlx_muzero.paper.records.recorded_bars import RecordedBars, recorded_bars
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.tables import TABLES
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session_setup import account_of_pair, market_of_pair, rules_of_pair
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64


@dataclass(frozen=True)
class RecordedBar:
    """One bar, as an account reads it (`account.PricedBar`)."""

    open_time_ns: int
    close_time_ns: int
    open: float
    close: float
    spread: float | None
    close_spread: float | None


class RecordedPair:
    """The bars of one pair that has any, and the vectorised dataset built from them.

    Attributes:
        symbol: the pair.
        bars: all bars, including the history.
        market: the same, as the library's other parts read them.
        dataset: row t is bar t.
        history_bars: number of bars that closed before the session's first minute.
    """

    def __init__(
        self,
        bars: RecordedBars,
        settings: PaperSettings,
        config: Config,
        begin_ns: int,
        series: SeriesByName,
    ) -> None:
        self.bars, self.market, self.symbol = bars, bars.market, bars.market.symbol
        history = PairHistory(self.market, series)
        market = market_of_pair(config, settings, self.symbol)
        self.dataset = MarketDataset.of_pairs([history], market)
        self.history_bars = int((bars.close_time_ns <= begin_ns).sum())
        self._settings, self._config = settings, config

    @cached_property
    def rules(self) -> TradingRules:
        """The session's rules."""
        return rules_of_pair(self._config, self._settings, self.symbol)

    @cached_property
    def session(self) -> Bars:
        """The bars after the history."""
        return self.market.slice(self.history_bars, len(self.market))

    @property
    def session_spread(self) -> F64:
        """``f64[N]`` ask less bid at the opens of `session`; NaN where unknown."""
        return self.session.extras[OPEN_SPREAD]

    def account(self) -> PairAccount:
        """A new account under the session's rules."""
        return account_of_pair(self._config, self._settings, self.symbol)


def recorded_pairs(
    store: PaperStore,
    settings: PaperSettings,
    config: Config,
    series: Mapping[str, SeriesByName] | None = None,
) -> dict[str, RecordedPair]:
    """The session's pairs that had bars, with `series` and those that their feed delivered.

    Arguments are as in `session_setup.make_session`.
    """
    saved = store.state()
    begin_ns = 0 if saved is None else int(saved[1]["session"]["begin_ns"])
    came = series_of(store.columns("points", *TABLES["points"]))
    beside = {
        symbol: {**(series or {}).get(symbol, {}), **came.get(symbol, {}), **came.get(MACRO, {})}
        for symbol in settings.pairs
    }
    return {
        symbol: RecordedPair(bars, settings, config, begin_ns, beside[symbol])
        for symbol, bars in recorded_bars(store, tuple(settings.pairs)).items()
    }


class ReplayedPair:
    """An account that replays the bars of a recorded pair.

    Attributes:
        recorded: the pair.
        account: its account; the next bar settles any order it is given.
        row: index of the last bar replayed.
        fills: fills so far.
        trades: trades closed so far.
    """

    def __init__(self, recorded: RecordedPair) -> None:
        self.recorded = recorded
        self.account = recorded.account()
        self._bars, self._funding = _EachBar(recorded.bars), recorded.dataset.funding
        self.row = -1
        while self.row + 1 < recorded.history_bars:
            self._hear()
        self.fills: list[Row] = []
        self.trades: list[Row] = []

    def advance(self, close_ns: int | None) -> bool:
        """Replay bars up to `close_ns`, or all; return whether there were any."""
        before = self.row
        while self.row + 1 < len(self._bars):
            bar = self._bars[self.row + 1]
            if close_ns is not None and bar.close_time_ns > close_ns:
                break
            effect = self.account.on_bar(bar, self._hear().paid)
            if effect.fill is not None:
                self.fills.append(effect.fill)
            self.trades += effect.trades
        return self.row > before

    def _hear(self) -> FundingAt:
        """Go on to the next bar; return its funding."""
        self.row += 1
        funding = self._funding.at(self.row)
        self.account.hear(self._bars[self.row], funding)
        return funding


class _EachBar:
    """The bars of a pair one by one, of which few exist at a time: a year has half a million."""

    _AT_ONCE = 1024

    def __init__(self, bars: RecordedBars) -> None:
        self._bars, self._begin = bars, 0
        self._made: list[RecordedBar] = []

    def __len__(self) -> int:
        return len(self._bars.market)

    def __getitem__(self, row: int) -> RecordedBar:
        if not self._begin <= row < self._begin + len(self._made):
            self._begin = row - row % self._AT_ONCE
            self._made = _each(self._bars.slice(self._begin, self._begin + self._AT_ONCE))
        return self._made[row - self._begin]


def _each(bars: RecordedBars) -> list[RecordedBar]:
    """All of `bars`, with None for a spread that is unknown."""
    spreads = (
        [None if unknown else value for value, unknown in zip(*both, strict=True)]
        for both in (
            (spread.tolist(), np.isnan(spread).tolist())
            for spread in (bars.spread, bars.close_spread)
        )
    )
    market = bars.market
    columns = (market.open_time_ns, bars.close_time_ns, market.open, market.close)
    rows = zip(*(column.tolist() for column in columns), *spreads, strict=True)
    return [RecordedBar(*row) for row in rows]
