"""A dataset as named arrays, written block by block and read back as one."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.column_files import Array, ColumnWriter
from mlx_muzero.market.dataset import BAR_ARRAYS, MarketDataset, counted_on
from mlx_muzero.market.observation.frames import Frame, frame_count
from mlx_muzero.market.pair_blocks import Extent
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.market.summary import MarketSummary

_SPREADS = ("open", "close", "quoted")


class DatasetWriter:
    """Writes the pairs of a dataset one after another.

    Args:
        writer: writes their arrays.
        config: the configuration that they are made for.
        bars: number of bars in all.
    """

    def __init__(self, writer: ColumnWriter, config: MarketConfig, bars: int) -> None:
        self._writer, self._config, self._bars = writer, config, bars
        self._extent = Extent.none(config)

    def add_pair(self, blocks: Iterable[MarketDataset]) -> None:
        """Write the blocks of one pair, whose indices count from its first bar and rows.

        Raises:
            OSError: they cannot be written, or the disk has no room for the whole dataset.
        """
        before = self._extent
        for block in blocks:
            columns = _columns(block, before)
            if not self._extent.bars:
                # Rather than fill the disk first, at which others write too.
                size = sum(column.nbytes for column in columns.values())
                self._writer.require_room(size * self._bars // max(len(block.close), 1))
            self._writer.append(columns)
            self._extent = self._extent.with_block(block)

    def end(self, key: str, facts: Mapping[str, Any]) -> MarketDataset:
        """Put the dataset on the disk under `key`, with its facts; returns it, mapped."""
        dataset = dataset_of(self._config, self._writer.end(), facts)
        self._writer.seal(key, {**facts, "summary": asdict(dataset.summary)})
        return dataset


def dataset_of(
    config: MarketConfig, columns: Mapping[str, Array], facts: Mapping[str, Any]
) -> MarketDataset:
    """The dataset of these columns.

    Args:
        config: the configuration it was made for.
        columns: the arrays.
        facts: the attributes of `MarketDataset` that are no arrays, and its summary, if known.

    Raises:
        KeyError: one is missing.
        ValueError: they differ in length.
    """
    frames = tuple(
        Frame(columns[f"frame_{number}_rows"], columns[f"frame_{number}_last"])
        for number in range(frame_count(config))
    )
    spreads = None
    if f"spread_{_SPREADS[0]}" in columns:
        spreads = Spreads(*(columns[f"spread_{name}"] for name in _SPREADS))
    of_bars = [column for name, column in columns.items() if not name.endswith("_rows")]
    if len({len(column) for column in of_bars}) > 1:
        raise ValueError("its arrays differ in length")
    dataset = MarketDataset(
        config=config,
        frames=frames,
        seen_from=columns["seen_from"],
        spreads=spreads,
        fx_week=bool(facts["fx_week"]),
        series_from_ns=facts["series_from_ns"],
        series_to_ns=facts["series_to_ns"],
        **dict[str, Any]({name: columns[name] for name in BAR_ARRAYS}),
    )
    if "summary" in facts:
        # As if it had been read off the columns; a changed copy (`replace`) reads its own.
        vars(dataset)["summary"] = MarketSummary(**facts["summary"])
    return dataset


def _columns(block: MarketDataset, before: Extent) -> dict[str, Array]:
    """The arrays of `block`, of a pair that comes after others."""
    columns = {name: getattr(block, name) for name in BAR_ARRAYS}
    columns["seen_from"] = counted_on(block.seen_from, before.bars)
    for number, (frame, first) in enumerate(zip(block.frames, before.rows, strict=True)):
        columns[f"frame_{number}_rows"] = frame.rows
        columns[f"frame_{number}_last"] = counted_on(frame.last, first)
    if block.spreads is not None:
        columns |= {f"spread_{name}": getattr(block.spreads, name) for name in _SPREADS}
    return columns
