"""Reports what the stored data lacks for a configuration, before anything is trained.

A pair without sessions in a split, an unknown context column, funding that ends before the bars:
none of these is an error, but each changes what the model learns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlx_muzero.market.bars import Bars, utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.context import asked_for_by, context_columns, context_names
from mlx_muzero.market.series import FUNDING_RATE, MAX_AGE_NS, Series
from mlx_muzero.market.sessions import SPLITS, Split, session_starts
from mlx_muzero.timeunits import MINUTE_NS

_KNOWN_ENOUGH = 0.9
"""Share of a pair's bars with a known value below which a column is reported."""


@dataclass(frozen=True)
class Coverage:
    """Sessions and known context values, by pair.

    Attributes:
        sessions: number of possible sessions of each pair, by split.
        known: share of each pair's bars for which a context column is known, by column.
    """

    sessions: dict[Split, dict[str, int]]
    known: dict[str, dict[str, float]]

    @classmethod
    def of(cls, dataset: MarketDataset) -> "Coverage":
        """The coverage of `dataset`."""
        return cls({split: _sessions(dataset, split) for split in SPLITS}, _known(dataset))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Coverage":
        """Inverse of `dataclasses.asdict`, from untrusted JSON.

        Raises:
            TypeError: the values do not describe a coverage.
            ValueError: a value is not a number.
        """
        try:
            counts, shares = values["sessions"], values["known"]
            return cls(
                {split: {s: int(n) for s, n in counts[split].items()} for split in SPLITS},
                {column: {s: float(x) for s, x in of.items()} for column, of in shares.items()},
            )
        except (AttributeError, KeyError) as error:
            raise TypeError(f"no coverage: {error}") from error


def notes(histories: Sequence[PairHistory], dataset: MarketDataset) -> list[str]:
    """What is lacking, one line each; `dataset` was made from `histories`."""
    coverage = Coverage.of(dataset)
    return [
        *_without_sessions(coverage, histories),
        *_unknown(coverage),
        *_unquoted(dataset),
        *(_funding(histories) if dataset.config.features == "crypto" else ()),
    ]


def _sessions(dataset: MarketDataset, split: Split) -> dict[str, int]:
    starts = session_starts(
        dataset.open_time_ns,
        dataset.pair,
        dataset.seen_from,
        dataset.config,
        dataset.ranges[split],
    )
    counts = np.bincount(dataset.pair[starts], minlength=len(dataset.config.pairs))
    return {symbol: int(counts[dataset.config.pairs.index(symbol)]) for symbol in dataset.symbols}


def _known(dataset: MarketDataset) -> dict[str, dict[str, float]]:
    if dataset.config.features != "crypto":
        return {}
    names = context_names(dataset.config)
    known = {}
    for column in context_columns(dataset.config):
        at_bar = dataset.context[:, names.index(f"{column.name}_known")]
        known[column.name] = {
            symbol: float(at_bar[dataset.pair == dataset.config.pairs.index(symbol)].mean())
            for symbol in dataset.symbols
        }
    return known


def _without_sessions(coverage: Coverage, histories: Sequence[PairHistory]) -> Iterator[str]:
    spans = {history.bars.symbol: _span(history.bars) for history in histories}
    for split, counts in coverage.sessions.items():
        if any(counts.values()):
            # A split with no session at all is refused when its sessions are requested.
            for symbol in (symbol for symbol, count in counts.items() if not count):
                yield f"{symbol} has no session in the {split} split (its bars: {spans[symbol]})"


def _unknown(coverage: Coverage) -> Iterator[str]:
    for column, shares in coverage.known.items():
        nowhere = [symbol for symbol, share in shares.items() if share == 0.0]
        if nowhere:
            whose = "of any pair" if len(nowhere) == len(shares) else f"of {', '.join(nowhere)}"
            key, value = asked_for_by(column)
            yield (
                f'{column} {whose} is unknown throughout: import its data, or leave "{value}" out '
                f"of market.{key}"
            )
        partly = [
            f"{share:.0%} of {symbol}'s"
            for symbol, share in shares.items()
            if 0.0 < share < _KNOWN_ENOUGH
        ]
        if partly:
            yield f"{column} is known at {', '.join(partly)} bars"


def _unquoted(dataset: MarketDataset) -> Iterator[str]:
    if dataset.spreads is None:
        return
    for symbol in dataset.symbols:
        own = ~dataset.spreads.quoted[dataset.pair == dataset.config.pairs.index(symbol)]
        if own.any():
            yield (
                f"{own.sum():,} of {symbol}'s {len(own):,} bars have no quotes, or an ask below "
                "the bid: fills there pay the last known spread"
            )


def _funding(histories: Sequence[PairHistory]) -> Iterator[str]:
    """Notes on funding, which is paid even if not observed; pairs with the same note share one."""
    lacking: dict[str, list[str]] = {}
    for history in histories:
        for note in _funding_of(history):
            lacking.setdefault(note, []).append(history.bars.symbol)
    for note, symbols in lacking.items():
        yield f"funding of {', '.join(symbols)} {note}"


def _funding_of(history: PairHistory) -> Iterator[str]:
    bars = history.bars
    funding = history.series.get(FUNDING_RATE, Series.empty(bars.symbol, FUNDING_RATE))
    slack_ns = MAX_AGE_NS[FUNDING_RATE]
    if not len(funding):
        yield "is missing: holding costs nothing, which is right for spot"
        return
    first_ns, last_ns = int(funding.event_ns.min()), int(funding.event_ns.max())
    if first_ns > bars.open_time_ns[0] + slack_ns:
        yield f"starts at {utc_text(first_ns)} UTC, and none is paid before; bars: {_span(bars)}"
    if last_ns + slack_ns < bars.open_time_ns[-1] + MINUTE_NS:
        yield f"ends at {utc_text(last_ns)} UTC, and none is paid after; bars: {_span(bars)}"


def _span(bars: Bars) -> str:
    first, last = (utc_text(int(bars.open_time_ns[end])) for end in (0, -1))
    return f"{first} to {last} UTC"
