"""Makes the dataset of one pair in blocks: the same rows, bit for bit, in bounded memory.

A row depends on a bounded number of bars before it, so each block is made from its own bars and as
many before them, whose rows are then left out. What is made stays as it is when later bars come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.dataset import BAR_ARRAYS, MarketDataset, counted_on
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.frames import Frame, bars_before, frame_count
from mlx_muzero.market.quotes import Spreads

BLOCK_BARS = 2**18


@dataclass(frozen=True)
class Extent:
    """Numbers of bars, and of rows of each higher timeframe.

    Attributes:
        bars: number of bars.
        rows: number of rows of each higher timeframe known at the close of the last one.
    """

    bars: int
    rows: tuple[int, ...]

    @classmethod
    def none(cls, config: MarketConfig) -> "Extent":
        """Nothing of a dataset of `config`."""
        return cls(0, (0,) * frame_count(config))

    def with_block(self, block: MarketDataset) -> "Extent":
        """This and `block`."""
        counts = zip(self.rows, block.frames, strict=True)
        rows = tuple(count + len(frame.rows) for count, frame in counts)
        return Extent(self.bars + len(block.close), rows)


def made_blocks(
    history: PairHistory, pair: int, config: MarketConfig, made: Extent
) -> Iterator[MarketDataset]:
    """The bars of the pair of number `pair` that follow those `made`, in consecutive blocks.

    Args:
        history: the pair's whole history.
        pair: its number in `MarketConfig.pairs`.
        config: the columns.
        made: what is made of the pair already.

    Yields:
        blocks whose indices count from the pair's first bar and its first row of each timeframe.
    """
    bars, before = history.bars, bars_before(config)
    spreads = Spreads.of(bars)
    for start in range(made.bars, len(bars), BLOCK_BARS):
        stop = min(start + BLOCK_BARS, len(bars))
        from_bar = max(start - before, 0)
        cut = replace(history, bars=bars.slice(from_bar, stop))
        part = MarketDataset.of_pair(cut, pair, config)
        if spreads is not None:
            # A spread that is unknown is the last known one, however long ago.
            part = replace(part, spreads=spreads.slice(slice(from_bar, stop)))
        own = slice(start - from_bar, stop - from_bar)
        new = [_rows_known_at(frame, own, 0, begins=not own.start) for frame in part.frames]
        moved = [count - rows.start for count, rows in zip(made.rows, new, strict=True)]
        block = _cut(part, own, new, from_bar, moved)
        made = made.with_block(block)
        yield block


def kept_blocks(dataset: MarketDataset, symbol: str, end_ns: int) -> Iterator[MarketDataset]:
    """The bars of `symbol` in `dataset` that open before `end_ns`, as `made_blocks` makes them."""
    bars = dataset.bars_of(symbol)
    stop = bars.start + int(np.searchsorted(dataset.open_time_ns[bars], end_ns))
    first_rows = [_rows_before(frame, dataset, symbol) for frame in dataset.frames]
    for start in range(bars.start, stop, BLOCK_BARS):
        own = slice(start, min(start + BLOCK_BARS, stop))
        new = [
            _rows_known_at(frame, own, first, begins=start == bars.start)
            for frame, first in zip(dataset.frames, first_rows, strict=True)
        ]
        yield _cut(dataset, own, new, -bars.start, [-first for first in first_rows])


def _rows_before(frame: Frame, dataset: MarketDataset, symbol: str) -> int:
    """Number of rows of the pairs that come before `symbol`."""
    pairs = dataset.symbols[: dataset.symbols.index(symbol)]
    lasts = (int(frame.last[dataset.bars_of(pair).stop - 1]) for pair in pairs)
    return max(lasts, default=-1) + 1


def _rows_known_at(frame: Frame, bars: slice, first: int, begins: bool) -> slice:
    """The rows that become known with `bars`, of a pair whose first row is `first`.

    `begins` says whether the pair's first bar is among them.
    """
    before = first if begins else max(int(frame.last[bars.start - 1]) + 1, first)
    return slice(before, max(int(frame.last[bars.stop - 1]) + 1, before))


def _cut(
    part: MarketDataset,
    bars: slice,
    rows: Sequence[slice],
    first_bar: int,
    first_rows: Sequence[int],
) -> MarketDataset:
    """`bars` and `rows` of `part`, with indices moved by `first_bar` and `first_rows`."""
    frames = (
        Frame(frame.rows[own], counted_on(frame.last[bars], first))
        for frame, own, first in zip(part.frames, rows, first_rows, strict=True)
    )
    columns = {name: getattr(part, name)[bars] for name in BAR_ARRAYS}
    return replace(
        part,
        **columns,
        seen_from=counted_on(part.seen_from[bars], first_bar),
        frames=tuple(frames),
        spreads=None if part.spreads is None else part.spreads.slice(bars),
    )
