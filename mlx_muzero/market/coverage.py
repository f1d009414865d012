"""Reports what the stored data lacks for a configuration, before anything is trained.

A pair without sessions in a split, an unknown context column, funding that ends before the bars:
none of these is an error, but each changes what the model learns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import observes_spread
from mlx_muzero.market.observation.context import asked_for_by
from mlx_muzero.market.series import FUNDING_RATE, MAX_AGE_NS
from mlx_muzero.market.sessions import SPLITS, Split
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
        known = {column: dict(shares) for column, shares in dataset.summary.known.items()}
        return cls({split: dict(of) for split, of in dataset.session_counts.items()}, known)

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


def notes(dataset: MarketDataset) -> list[str]:
    """What is lacking, one line each."""
    coverage = Coverage.of(dataset)
    return [
        *_without_sessions(coverage, dataset),
        *_unknown(coverage),
        *_unquoted(dataset),
        *(_funding(dataset) if dataset.config.features == "crypto" else ()),
    ]


def _without_sessions(coverage: Coverage, dataset: MarketDataset) -> Iterator[str]:
    spans = {symbol: _span_text(*span) for symbol, span in dataset.spans_ns.items()}
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
        own = ~dataset.spreads.quoted[dataset.bars_of(symbol)]
        if own.any():
            unseen = "observations show none there, and " * observes_spread(dataset.config)
            yield (
                f"{own.sum():,} of {symbol}'s {len(own):,} bars have no quotes, or an ask below "
                f"the bid: {unseen}fills that pay the spread pay the last one known"
            )


def _funding(dataset: MarketDataset) -> Iterator[str]:
    """Notes on funding, which is paid even if not observed; pairs with the same note share one."""
    lacking: dict[str, list[str]] = {}
    for symbol, bars_ns in dataset.spans_ns.items():
        for note in _funding_of(dataset.series_span_ns(symbol, FUNDING_RATE), bars_ns):
            lacking.setdefault(note, []).append(symbol)
    for note, symbols in lacking.items():
        yield f"funding of {', '.join(symbols)} {note}"


def _funding_of(funding_ns: tuple[int, int] | None, bars_ns: tuple[int, int]) -> Iterator[str]:
    if funding_ns is None:
        yield "is missing: holding costs nothing, which is right for spot"
        return
    (first_ns, last_ns), slack_ns = funding_ns, MAX_AGE_NS[FUNDING_RATE]
    bars = f"bars: {_span_text(*bars_ns)}"
    if first_ns > bars_ns[0] + slack_ns:
        yield f"starts at {utc_text(first_ns)} UTC, and none is paid before; {bars}"
    if last_ns + slack_ns < bars_ns[1] + MINUTE_NS:
        yield f"ends at {utc_text(last_ns)} UTC, and none is paid after; {bars}"


def _span_text(first_ns: int, last_ns: int) -> str:
    return f"{utc_text(first_ns)} to {utc_text(last_ns)} UTC"
