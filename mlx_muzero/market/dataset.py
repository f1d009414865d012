"""The data that the environment reads, computed once from the bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.config.choices import FillAt
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.files.disk_waits import DISK_WAITS
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.dataset_facts import history_facts, joined_facts
from mlx_muzero.market.funding_rates import FundingRates, expected_rates, last_settled
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.frames import Frame, market_rows
from mlx_muzero.market.observation.outcomes import outcome_labels
from mlx_muzero.market.passing import Passing
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.market.sessions import (
    SPLITS,
    Part,
    Split,
    SplitRange,
    require_in_step,
    require_sessions,
    separate_sessions,
    session_starts,
    sessions_in_step,
    split_ranges,
    spread_evenly,
)
from mlx_muzero.market.summary import MarketSummary, known_shares, sha256_of
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.types import F32, F64, I8, I16, I64

BAR_ARRAYS = (
    *("pair", "open_time_ns", "open", "close", "features", "context"),
    *("outcomes", "funding_rate", "funding_announced"),
)
"""Attributes of `MarketDataset` with an element for each bar, but for indices and spreads."""


@dataclass(frozen=True, eq=False)
class MarketDataset:
    """T bars, one pair after another, with their features and outcomes.

    Attributes:
        config: the columns of an observation, and how sessions and splits are cut.
        pair: ``i16[T]`` index into `MarketConfig.pairs` of each bar's symbol, ascending.
        open_time_ns: ``i64[T]`` UTC open of each bar, increasing within a pair.
        open: ``f64[T]`` first price of each bar.
        close: ``f64[T]`` last price of each bar, known when the bar's decision is made.
        features: ``f32[T, f]`` features of the minute bars; NaN rows during warm-up.
        frames: rows of the higher timeframes.
        context: ``f32[T, G]`` context columns as known at each close.
        seen_from: ``i64[T]`` first bar that an observation at each bar depends on, -1 if none is
            possible yet.
        outcomes: ``i8[T]`` `market.outcomes.OUTCOME_NAMES` of each bar; -1 during warm-up.
        funding_rate: ``f64[T]`` share of a long position's value paid within each bar, mostly 0.
        funding_announced: ``f64[T]`` rate announced of the next settlement by each close, as plans
            count it; NaN where none is.
        fx_week: whether all pairs keep the FX week; a pair of unknown market does if its money is
            counted in pips.
        spreads: quoted spreads of the bars; None unless they were loaded with their quotes.
        series_from_ns: by symbol and series, the time of the earliest point.
        series_to_ns: by symbol and series, the time of the latest point.
        fixed_ranges: the splits, if not derived from these bars (see `with_later`).
        in_step: whether sessions that judge are those in which all pairs have the same minutes,
            because their accounts share a limit.
        store: where the bars were loaded from, which errors name; None for the default store, or if
            they are in none.
    """

    config: MarketConfig
    pair: I16
    open_time_ns: I64
    open: F64
    close: F64
    features: F32
    frames: tuple[Frame, ...]
    context: F32
    seen_from: I64
    outcomes: I8
    funding_rate: F64
    funding_announced: F64
    fx_week: bool
    spreads: Spreads | None = None
    series_from_ns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    series_to_ns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fixed_ranges: Mapping[Part, SplitRange] | None = None
    in_step: bool = False
    store: Path | None = None

    @classmethod
    def from_bars(cls, bars: Bars, config: MarketConfig) -> "MarketDataset":
        """A dataset of one symbol's bars without any series; the symbol may have any name."""
        return cls._joined([cls.of_pair(PairHistory(bars, {}), 0, config)])

    @classmethod
    def of_pairs(cls, histories: Sequence[PairHistory], config: MarketConfig) -> "MarketDataset":
        """A dataset of all or some of the configured pairs, with their series.

        Raises:
            ValueError: there is no pair, or one that is not configured.
        """
        named = {Symbol(history.bars.symbol): history for history in histories}
        unknown = named.keys() - set(config.pairs)
        if unknown or not histories:
            raise ValueError(f"expected some of {config.label}, got {sorted(unknown) or 'nothing'}")
        by_pair = {config.pairs.index(symbol): history for symbol, history in named.items()}
        return cls._joined([cls.of_pair(by_pair[pair], pair, config) for pair in sorted(by_pair)])

    @classmethod
    def of_pair(cls, history: PairHistory, pair: int, config: MarketConfig) -> "MarketDataset":
        """A dataset of the pair of that number alone."""
        bars = history.bars
        rows = market_rows(bars, history.series, config)
        funding = FundingRates.of(bars.open_time_ns, history.series)
        return cls(
            config=config,
            pair=np.full(len(bars), pair, np.int16),
            open_time_ns=bars.open_time_ns,
            open=bars.open,
            close=bars.close,
            features=rows.minutes,
            frames=rows.frames,
            context=rows.context,
            seen_from=rows.seen_from,
            outcomes=outcome_labels(bars.close),
            funding_rate=funding.paid,
            funding_announced=funding.announced,
            spreads=Spreads.of(bars),
            **history_facts(history, config),
        )

    @classmethod
    def _joined(cls, parts: "Sequence[MarketDataset]") -> "MarketDataset":
        """The parts concatenated, with indices of bars and rows offset accordingly."""
        if len(parts) == 1:
            return parts[0]
        first_bar = np.cumsum([0, *(len(part.close) for part in parts[:-1])])

        def joined(indices: Sequence[I64], first: I64) -> I64:
            moved = (counted_on(i, int(f)) for i, f in zip(indices, first, strict=True))
            return np.concatenate(list(moved))

        frames = []
        for group in zip(*(part.frames for part in parts), strict=True):
            first_row = np.cumsum([0, *(len(frame.rows) for frame in group[:-1])])
            last = joined([frame.last for frame in group], first_row)
            frames.append(Frame(np.concatenate([frame.rows for frame in group]), last))
        return cls(
            config=parts[0].config,
            frames=tuple(frames),
            seen_from=joined([part.seen_from for part in parts], first_bar),
            spreads=Spreads.joined([part.spreads for part in parts]),
            fixed_ranges=None,
            **joined_facts([vars(part) for part in parts]),
            **dict[str, Any](
                {name: np.concatenate([getattr(p, name) for p in parts]) for name in BAR_ARRAYS}
            ),
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """The pairs that have bars."""
        return tuple(
            symbol
            for symbol in self.config.pairs
            if (bars := self.bars_of(symbol)).stop > bars.start
        )

    def bars_of(self, symbol: str) -> slice:
        """The bars of a configured pair."""
        number = self.config.pairs.index(symbol)
        first, end = np.searchsorted(self.pair, np.array([number, number + 1], np.int16))
        return slice(int(first), int(end))

    @property
    def spans_ns(self) -> dict[str, tuple[int, int]]:
        """Open times of the first and last bar of each pair."""
        opens = {symbol: self.open_time_ns[self.bars_of(symbol)] for symbol in self.symbols}
        return {str(symbol): (int(own[0]), int(own[-1])) for symbol, own in opens.items()}

    def series_span_ns(self, symbol: str, series: str) -> tuple[int, int] | None:
        """Times of the earliest and latest point of a pair's series; None if it has none."""
        first_ns = self.series_from_ns.get(symbol, {}).get(series)
        return None if first_ns is None else (first_ns, self.series_to_ns[symbol][series])

    @cached_property
    def summary(self) -> MarketSummary:
        """Digests and shares of known context."""
        digested: list[npt.NDArray[Any]] = [self.open_time_ns, self.close]
        known = {}
        if self.config.features == "crypto":
            frames = (frame.rows for frame in self.frames)
            digested += [self.funding_rate, self.features, *frames, self.context]
            if not np.isnan(self.funding_announced).all():
                digested.append(self.funding_announced)
            bars_of = {symbol: self.bars_of(symbol) for symbol in self.symbols}
            known = known_shares(self.context, bars_of, self.config)
        quotes = () if self.spreads is None else (self.spreads.open, self.spreads.close)
        return MarketSummary(
            digest=sha256_of(digested),
            opens_digest=sha256_of([self.open]),
            quotes_digest=sha256_of(quotes) if quotes else None,
            known=known,
        )

    @property
    def label(self) -> str:
        """The pairs that have bars, as a comma-separated list."""
        return ", ".join(self.symbols)

    def windows(self, bar: I64) -> F32:
        """``f32[B, W, market columns]`` windows as known at the close of each `bar` ``i64[B]``."""
        with DISK_WAITS.watched():
            return self._windows(bar)

    def _windows(self, bar: I64) -> F32:
        back = np.arange(1 - self.config.window_bars, 1)
        groups = [self.features[bar[:, None] + back]]
        groups += [frame.rows[frame.last[bar][:, None] + back] for frame in self.frames]
        context = self.context[bar][:, None, :]
        groups.append(np.broadcast_to(context, (len(bar), len(back), context.shape[2])))
        return np.concatenate(groups, axis=2)

    def read_rows(self, bar: I64, history: Sequence[int]) -> F32:
        """``f32[B, market columns + (W - 1) H]`` what a network may read of `windows`.

        The last row, and then of each row before it, oldest first, the H columns `history`, which
        ascend and are none of the context.
        """
        back, first, before = np.arange(1 - self.config.window_bars, 0), 0, []
        groups = [(self.features, bar), *((f.rows, f.last[bar]) for f in self.frames)]
        with DISK_WAITS.watched():
            for rows, last in groups:
                own = [c - first for c in history if 0 <= c - first < rows.shape[1]]
                before.append(rows[(last[:, None] + back)[..., None], own])
                first += rows.shape[1]
            flat = np.concatenate(before, axis=2).reshape(len(bar), -1)
            return np.concatenate([self.newest_rows(bar), flat], axis=1)

    def newest_rows(self, bar: I64) -> F32:
        """``f32[B, market columns]`` the last row of `windows` at each `bar` ``i64[B]``."""
        groups = [self.features[bar], *(frame.rows[frame.last[bar]] for frame in self.frames)]
        return np.concatenate([*groups, self.context[bar]], axis=1)

    def fill_prices(self, fill: FillAt) -> F64:
        """``f64[T]`` price at which an action decided at each bar fills.

        The last bar of a pair, at which nothing is decided, has its close.
        """
        return self.close if fill == "close" else self._next_opens

    @cached_property
    def _next_opens(self) -> F64:
        return self._one_later(self.open, self.close)

    def fill_spreads(self, fill: FillAt) -> F64:
        """``f64[T]`` ask less bid where an action decided at each bar fills, as `fill_prices`.

        Raises:
            ValueError: the bars were loaded without their quotes.
        """
        return self.close_spreads if fill == "close" else self._next_open_spreads

    @cached_property
    def _next_open_spreads(self) -> F64:
        return self._one_later(self._quotes.open, self._quotes.close)

    @property
    def close_spreads(self) -> F64:
        """``f64[T]`` ask less bid at each close.

        Raises:
            ValueError: the bars were loaded without their quotes.
        """
        return self._quotes.close

    @property
    def _quotes(self) -> Spreads:
        if self.spreads is None:
            raise ValueError(f"the bars of {self.label} were loaded without their quotes")
        return self.spreads

    def _one_later(self, at_open: F64, at_close: F64) -> F64:
        """``f64[T]`` of the open after each bar; of the close where its pair has no later bar."""
        follows = self.pair[1:] == self.pair[:-1]
        return np.append(np.where(follows, at_open[1:], at_close[:-1]), at_close[-1])

    @property
    def funding(self) -> FundingRates:
        """What settles in the bars, and what is announced at their closes."""
        return FundingRates(self.funding_rate, self.funding_announced)

    @cached_property
    def expected_funding(self) -> F64:
        """``f64[T]`` rate that plans expect of settlements to come, as `expected_rates`."""
        return expected_rates(self.funding_announced, last_settled(self.pair, self.funding_rate))

    @cached_property
    def passing(self) -> Passing:
        """What positions that are held into each bar are held over."""
        return Passing(self.pair, self.open_time_ns)

    def training_starts(self) -> I64:
        """Every possible start of a training session, overlaps included, ``i64[n]``."""
        return self._starts("train")

    def training_decisions(self) -> I64:
        """Bars at which training sessions decide, ``i64[n]`` ascending.

        Where sessions may start at any bar, every start is such a bar. Where they start once a day,
        starts alone would be bars of one time of the day.
        """
        starts = self.training_starts()
        if not self.config.session_start:
            return starts
        decided = starts[:, None] + np.arange(self.config.session_bars)
        return np.unique(decided)

    @cached_property
    def ranges(self) -> Mapping[Part, SplitRange]:
        """The range of each split."""
        if self.fixed_ranges is not None:
            return self.fixed_ranges
        found = split_ranges(self.open_time_ns, self.config)
        return {split: found[split] for split in SPLITS}

    def with_later(self, ranges: Mapping[Part, SplitRange], later: SplitRange) -> "MarketDataset":
        """These bars with the given splits `ranges`, and `later` for the part of that name.

        Lets a run keep its splits when its store has grown.
        """
        return replace(self, fixed_ranges={**ranges, "later": later})

    def loaded_from(self, store: Path, *, in_step: bool = False) -> "MarketDataset":
        """These bars as loaded from `store`, with what is known of them already."""
        loaded = replace(self, store=store, in_step=in_step)
        if "summary" in vars(self):  # which digests every row, and is of the rows alone
            vars(loaded)["summary"] = self.summary
        return loaded

    def evaluation_starts(self, part: Part, count: int | None = None) -> I64:
        """Starts of sessions that share no step, at most `count`, evenly spread, ``i64[m]``.

        In time order, and by symbol for those that start together, so that the order of the
        configured pairs has no effect. Where pairs are `in_step`, all of them or none start.

        Raises:
            DataError: there are none.
        """
        found = self._starts(part)
        if self.in_step:
            found = sessions_in_step(found, self.open_time_ns, self.pair, self.config)
            require_in_step(found, self.symbols, part, self.store)
        starts = separate_sessions(found, self.open_time_ns, self.pair, self.config)
        symbols = np.array(self.config.pairs)[self.pair[starts]]
        starts = starts[np.lexsort((symbols, self.open_time_ns[starts]))]
        if count is None:
            return starts
        groups = starts.reshape(-1, self.together)
        return spread_evenly(groups, max(1, count // self.together)).ravel()

    @property
    def together(self) -> int:
        """How many sessions that follow one another in `evaluation_starts` belong together."""
        return len(self.symbols) if self.in_step else 1

    def session_spans(self, starts: I64) -> tuple[I64, I64]:
        """Open times of the first decision bar and the last bar of the sessions at `starts`."""
        return self.open_time_ns[starts], self.open_time_ns[starts + self.config.session_bars]

    @cached_property
    def session_counts(self) -> Mapping[Split, Mapping[str, int]]:
        """Number of possible sessions of each pair, by split."""
        pairs = self.config.pairs
        found = {}
        for split in SPLITS:
            counts = np.bincount(self.pair[self._any_starts(split)], minlength=len(pairs))
            found[split] = {symbol: int(counts[pairs.index(symbol)]) for symbol in self.symbols}
        return found

    def _starts(self, part: Part) -> I64:
        found = self._any_starts(part)
        return require_sessions(found, self.symbols, part, self.config, self.store)

    def _any_starts(self, part: Part) -> I64:
        span = self.ranges[part]
        return session_starts(self.open_time_ns, self.pair, self.seen_from, self.config, span)


def counted_on(indices: I64, first: int) -> I64:
    """Indices of a pair's bars or rows, of which the first becomes `first`; -1 stays."""
    return np.where(indices < 0, -1, indices + first)
