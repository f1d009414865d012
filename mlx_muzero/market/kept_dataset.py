"""Keeps large datasets in files next to their store, made once and read through memory maps.

``<store>.columns/<key>/`` holds one dataset (`column_files`). The key covers all it follows from:
the bars and series in the store, the periods, the configuration, and the code. So a kept dataset is
never out of date, only unused, and the least recently used go.
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.files.regular import remove, require_folder
from mlx_muzero.market.column_files import Array, ColumnWriter, open_columns
from mlx_muzero.market.dataset import MarketDataset, counted_on
from mlx_muzero.market.history import PairHistory, Period, warn_of_misread
from mlx_muzero.market.observation.frames import Frame
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.summary import MarketSummary

KEPT_FROM_BARS = 2_000_000
"""Smaller datasets are made within two or three seconds, in less than a gigabyte."""

MOST_KEPT = 4
"""Datasets kept for a store."""

Tell = Callable[[str], None]

_SPLITTING = (
    *("session_bars", "session_start", "max_gap_minutes"),
    *("train_frac", "validation_frac"),
)
"""Settings of which no column depends."""
_PLAIN = (
    *("pair", "open_time_ns", "open", "close", "features", "context"),
    *("seen_from", "outcomes", "funding_rate"),
)
_SPREADS = ("open", "close", "quoted")
_MAKING = ".making-"
_ABANDONED_S = 24 * 3600


class KeptDatasets:
    """The datasets kept for one store.

    Args:
        store: the store, open for reading.
        config: the columns wanted.
        quoted: whether the bars come with quotes.
        tell: receives notes on what is made, remade, dropped or cannot be kept.
    """

    def __init__(self, store: BarStore, config: MarketConfig, quoted: bool, tell: Tell) -> None:
        self._store, self._config, self._quoted, self._tell = store, config, quoted, tell
        self._shelf = store.path.with_name(f"{store.path.name}.columns")

    def get(
        self,
        periods: Mapping[str, Period | None],
        histories: Callable[[Sequence[str]], Iterable[PairHistory]],
    ) -> MarketDataset:
        """The dataset of these pairs: kept, made and kept, or just made if it is small.

        Args:
            periods: the period wanted of each pair; None for all of the configured one.
            histories: loads the pairs of these names, one after another.

        Raises:
            DataError: as `load_history`.
            ValueError: as `MarketDataset.of_pairs`.
        """
        bars, key = self._key(periods)
        if bars < KEPT_FROM_BARS or not set(periods) <= set(self._config.pairs):
            return MarketDataset.of_pairs(list(histories(list(periods))), self._config)
        pairs = sorted(periods, key=self._config.pairs.index)
        dataset = self._find(key)
        if dataset is None:
            try:
                return self._made(key, histories(pairs))
            except OSError as error:
                self._tell(
                    f"note: the features of {bars:,} bars cannot be kept in {self._shelf} "
                    f"({error.strerror or error}): they stay in memory, and every start makes them "
                    "anew. Make room there, or make it writable."
                )
            return MarketDataset.of_pairs(list(histories(pairs)), self._config)
        for symbol in periods:
            warn_of_misread(self._store, symbol, self._config)
        return dataset

    def _key(self, periods: Mapping[str, Period | None]) -> tuple[int, str]:
        """Number of bars, and the key of the dataset made from them."""
        bars, pairs = 0, {}
        for symbol, period in periods.items():
            wanted = Period.wanted(self._config, period)
            held = self._store.fingerprint(symbol, wanted.first_ns, wanted.end_ns)
            traded = self._store.find_instrument(symbol)
            bars += held.bars
            pairs[symbol] = [asdict(wanted), held.digest, traded.market if traded else None]
        config = {k: v for k, v in asdict(self._config).items() if k not in _SPLITTING}
        made_by = [_code(), np.__version__, platform.machine()]
        text = json.dumps([made_by, config, self._quoted, pairs], sort_keys=True)
        return bars, hashlib.sha256(text.encode()).hexdigest()[:32]

    def _find(self, key: str) -> MarketDataset | None:
        folder = self._shelf / key
        try:
            require_folder(self._shelf)
            dataset = _dataset(self._config, *open_columns(folder, key))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            self._tell(f"note: {folder} cannot be used ({error}): it is made anew")
            return None
        with suppress(OSError):
            os.utime(folder)
        return dataset

    def _made(self, key: str, histories: Iterable[PairHistory]) -> MarketDataset:
        self._shelf.mkdir(exist_ok=True)
        require_folder(self._shelf)
        with _new_folder(self._shelf) as making, ColumnWriter(making) as writer:
            facts = _append(writer, histories, self._config)
            columns = writer.end()
            dataset = _dataset(self._config, columns, facts)
            writer.seal(key, {**facts, "summary": asdict(dataset.summary)})
            self._keep(making, self._shelf / key)
        size = sum(column.nbytes for column in columns.values()) / 1e9
        self._tell(
            f"note: the features of {len(dataset.close):,} bars are kept in {self._shelf / key} "
            f"({size:.1f} GB), from where the next start reads them"
        )
        self._prune()
        return dataset

    def _keep(self, making: Path, folder: Path) -> None:
        try:
            making.rename(folder)
        except OSError:
            # Another process has kept the same meanwhile, or what is there is damaged.
            try:
                open_columns(folder, folder.name)
            except (OSError, ValueError):
                remove(folder)
                making.rename(folder)

    def _prune(self) -> None:
        """Drop the least recently used; a process that has them open keeps them until it ends."""
        with suppress(OSError):
            used = {folder: folder.lstat().st_mtime for folder in self._shelf.iterdir()}
            kept = [folder for folder in used if not folder.name.startswith(_MAKING)]
            for folder in sorted(kept, key=lambda folder: -used[folder])[MOST_KEPT:]:
                remove(folder)
                self._tell(f"note: {folder}, the least recently used, was removed")
            for folder in used.keys() - set(kept):
                if used[folder] < time.time() - _ABANDONED_S:
                    remove(folder)


@contextmanager
def _new_folder(shelf: Path) -> Iterator[Path]:
    """A folder of its own for each process; removed unless the block renames it."""
    making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=shelf))
    try:
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _append(
    writer: ColumnWriter, histories: Iterable[PairHistory], config: MarketConfig
) -> dict[str, Any]:
    """Write the columns of each pair; what is no column is returned."""
    bars = 0
    rows = [0] * len(config.timeframes)
    facts: dict[str, Any] = {"fx_week": True, "series_from_ns": {}, "series_to_ns": {}}
    for history in histories:
        part = MarketDataset.of_pair(history, config.pairs.index(history.bars.symbol), config)
        columns = {name: getattr(part, name) for name in _PLAIN}
        columns["seen_from"] = counted_on(part.seen_from, bars)
        for number, frame in enumerate(part.frames):
            columns[f"frame_{number}_rows"] = frame.rows
            columns[f"frame_{number}_last"] = counted_on(frame.last, rows[number])
            rows[number] += len(frame.rows)
        if part.spreads is not None:
            columns |= {f"spread_{name}": getattr(part.spreads, name) for name in _SPREADS}
        writer.append(columns)
        bars += len(part.close)
        facts["fx_week"] &= part.fx_week
        facts["series_from_ns"] |= part.series_from_ns
        facts["series_to_ns"] |= part.series_to_ns
        # Or two pairs would be in memory while the next one is loaded.
        del history, part, columns
    return facts


def _dataset(
    config: MarketConfig, columns: Mapping[str, Array], facts: Mapping[str, Any]
) -> MarketDataset:
    """The dataset of these columns.

    Raises:
        KeyError: one is missing.
        ValueError: they differ in length.
    """
    timeframes = config.timeframes if config.features == "crypto" else ()
    frames = tuple(
        Frame(columns[f"frame_{number}_rows"], columns[f"frame_{number}_last"])
        for number in range(len(timeframes))
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
        spreads=spreads,
        fx_week=bool(facts["fx_week"]),
        series_from_ns=facts["series_from_ns"],
        series_to_ns=facts["series_to_ns"],
        **dict[str, Any]({name: columns[name] for name in _PLAIN}),
    )
    if "summary" in facts:
        # As if it had been read off the columns; a changed copy (`replace`) reads its own.
        vars(dataset)["summary"] = MarketSummary(**facts["summary"])
    return dataset


@cache
def _code() -> str:
    """Digest of the code that makes datasets: another build may make others."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
