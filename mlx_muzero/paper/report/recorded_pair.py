"""One pair of a recorded session: its bars, its dataset for the batch path, and its account."""

import math
from collections.abc import Mapping

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.quotes import OPEN_SPREAD
from mlx_muzero.market.series import MACRO, SeriesByName
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.context import series_of
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session_setup import account_of_pair, market_of_pair
from mlx_muzero.paper.settings import PaperSettings


class RecordedPair:
    """The bars of one pair that has any, and the vectorised dataset built from them.

    Attributes:
        symbol: the pair.
        bars: all bars, including the history.
        market: the same as arrays.
        dataset: row t is bar t.
        history_bars: number of bars that closed before the session's first minute.
    """

    def __init__(
        self,
        symbol: str,
        bars: list[LiveBar],
        settings: PaperSettings,
        config: Config,
        begin_ns: int,
        series: SeriesByName,
    ) -> None:
        self.symbol = symbol
        self.bars = bars
        self.market = _as_bars(symbol, bars)
        history = PairHistory(self.market, series)
        self.dataset = MarketDataset.of_pairs([history], market_of_pair(config, settings, symbol))
        self.history_bars = sum(bar.close_time_ns <= begin_ns for bar in bars)
        self._settings, self._config = settings, config

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
    came = series_of(store.table("points"))
    beside = {
        symbol: {**(series or {}).get(symbol, {}), **came.get(symbol, {}), **came.get(MACRO, {})}
        for symbol in settings.pairs
    }
    bars: dict[str, list[LiveBar]] = {symbol: [] for symbol in settings.pairs}
    quotes = {
        (row["pair"], row["open_time_ns"]): {name: row[name] for name in ("spread", "close_spread")}
        for row in store.table("quotes")
    }
    for row in store.table("bars"):
        volume = float("nan") if row["volume"] is None else row["volume"]
        quoted = quotes.get((row["pair"], row["open_time_ns"]), {})
        bars[row["pair"]].append(LiveBar(**row | {"volume": volume} | quoted))
    return {
        symbol: RecordedPair(symbol, of_pair, settings, config, begin_ns, beside[symbol])
        for symbol, of_pair in bars.items()
        if of_pair
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
        self.row = -1
        while self.row + 1 < recorded.history_bars:
            self._hear()
        self.fills: list[Row] = []
        self.trades: list[Row] = []

    def advance(self, close_ns: int | None) -> bool:
        """Replay bars up to `close_ns`, or all; return whether there were any."""
        bars, before = self.recorded.bars, self.row
        while self.row + 1 < len(bars):
            bar = bars[self.row + 1]
            if close_ns is not None and bar.close_time_ns > close_ns:
                break
            funding_rate = self._hear()
            effect = self.account.on_bar(bar, funding_rate)
            if effect.fill is not None:
                self.fills.append(effect.fill)
            self.trades += effect.trades
        return self.row > before

    def _hear(self) -> float:
        """Go on to the next bar; return the funding rate that settled in it."""
        self.row += 1
        funding_rate = float(self.recorded.dataset.funding_rate[self.row])
        self.account.hear(self.recorded.bars[self.row], funding_rate)
        return funding_rate


def _as_bars(symbol: str, bars: list[LiveBar]) -> Bars:
    opens = np.array([bar.open_time_ns for bar in bars], np.int64)
    columns = np.array([bar.values for bar in bars], np.float64).T
    spread = [math.nan if bar.spread is None else bar.spread for bar in bars]
    return Bars(symbol, opens, *columns, extras={OPEN_SPREAD: np.array(spread)})
