"""Keeps large datasets in files next to their store, made once and read through memory maps.

``<store>.columns/<key>/`` holds one dataset (`column_files`). The key covers all its rows follow
from: the bars and series in the store, the configuration, and the code. So a kept dataset is never
out of date, only unused, and the least recently used go.

A row depends on nothing later than its bar's close. So when bars come, or fewer are wanted, most
rows are those of a kept dataset: they are copied from it, and only the others are made.
"""

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.files.regular import remove
from mlx_muzero.market.column_files import ColumnWriter
from mlx_muzero.market.column_shelf import UNUSABLE, ColumnShelf, size_bytes
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.dataset_columns import DatasetWriter, dataset_of
from mlx_muzero.market.dataset_facts import history_facts, joined_facts
from mlx_muzero.market.history import PairHistory, Period, series_of, warn_of_misread
from mlx_muzero.market.pair_blocks import Extent, kept_blocks, made_blocks
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.fingerprint import Fingerprint

KEPT_FROM_BARS = 2_000_000
"""Smaller datasets are made within two or three seconds, in less than a gigabyte."""

MOST_KEPT = 4
"""Datasets kept for a store."""
MOST_BYTES = 20e9
"""Size up to which further datasets than the newest are kept."""

Tell = Callable[[str], None]
Histories = Callable[[Sequence[str]], Iterable[PairHistory]]
"""Loads the pairs of these names, one after another."""

_NO_COLUMN = (
    *("first_utc", "end_utc", "train_frac", "validation_frac"),
    *("session_bars", "session_start", "max_gap_minutes"),
)
"""Settings that decide which rows there are, or how they are used, but not what is in them."""


@dataclass(frozen=True)
class _Wanted:
    """A dataset that is asked for.

    Attributes:
        periods: the period of each pair, in the order of the pairs.
        held: what the store holds of each.
    """

    periods: Mapping[str, Period]
    held: Mapping[str, Fingerprint]

    @property
    def bars(self) -> int:
        """Number of its bars."""
        return sum(held.bars for held in self.held.values())


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
        self._shelf = ColumnShelf(store.path)

    def get(self, periods: Mapping[str, Period | None], histories: Histories) -> MarketDataset:
        """The dataset of these pairs: kept, made and kept, or just made if it is small.

        Args:
            periods: the period wanted of each pair; None for all of the configured one.
            histories: loads pairs in these periods.

        Raises:
            DataError: as `load_history`.
            ValueError: as `MarketDataset.of_pairs`.
        """
        if not set(periods) <= set(self._config.pairs):
            return MarketDataset.of_pairs(list(histories(list(periods))), self._config)
        pairs = sorted(periods, key=self._config.pairs.index)
        # First what is counted in a moment: digests read every row of bars and series.
        if sum(map(self._store.count_bars, pairs)) < KEPT_FROM_BARS:
            return MarketDataset.of_pairs(list(histories(pairs)), self._config)
        wanted = self._wanted({pair: periods[pair] for pair in pairs})
        if wanted.bars < KEPT_FROM_BARS:
            return MarketDataset.of_pairs(list(histories(pairs)), self._config)
        dataset = self._find(wanted, histories, self._tell)
        if dataset is None:
            try:
                return self._made(wanted, histories)
            except OSError as error:
                self._tell(
                    f"note: the features of {wanted.bars:,} bars cannot be kept in "
                    f"{self._shelf.path} ({error.strerror or error}): they stay in memory, and "
                    "every start makes them anew. Make room there, or make it writable."
                )
            return MarketDataset.of_pairs(list(histories(pairs)), self._config)
        for symbol in pairs:
            warn_of_misread(self._store, symbol, self._config)
        return dataset

    def _wanted(self, periods: Mapping[str, Period | None]) -> _Wanted:
        wanted = {symbol: Period.wanted(self._config, own) for symbol, own in periods.items()}
        held = {s: self._held(s, period, period.end_ns) for s, period in wanted.items()}
        return _Wanted(wanted, held)

    def _held(self, symbol: str, period: Period, end_ns: int) -> Fingerprint:
        """What the store holds of the bars of `symbol` in `period` before `end_ns`."""
        series = series_of(symbol, self._config)
        first_points = {(of, name): period.first_point_ns(name) for of, name in series}
        return self._store.fingerprint(symbol, period.first_ns, end_ns, first_points)

    def _key(self, wanted: _Wanted) -> str:
        held = [[symbol, held.digest] for symbol, held in wanted.held.items()]
        return _digest([self._kind(wanted), held])

    def _kind(self, wanted: _Wanted) -> str:
        """What datasets have in common of which one may take rows from another."""
        traded = {symbol: self._store.find_instrument(symbol) for symbol in wanted.periods}
        markets = [[symbol, one.market if one else None] for symbol, one in traded.items()]
        config = {k: v for k, v in asdict(self._config).items() if k not in _NO_COLUMN}
        made_by = [_code(), np.__version__, platform.machine()]
        return _digest([made_by, config, self._quoted, markets])

    def _find(self, wanted: _Wanted, histories: Histories, tell: Tell) -> MarketDataset | None:
        key = self._key(wanted)
        try:
            columns, facts = self._shelf.open(key)
            dataset = dataset_of(self._config, columns, facts)
            points = facts["points"]
        except FileNotFoundError:
            return None
        except UNUSABLE as error:
            tell(f"note: {self._shelf.path / key} cannot be used ({error}): it is made anew")
            return None
        self._shelf.mark_used(key)
        if points == _points(wanted):
            return dataset
        # Points that came too late for any row are facts about the pair all the same.
        pairs = list(wanted.periods)
        facts |= joined_facts([history_facts(each, self._config) for each in histories(pairs)])
        return dataset_of(self._config, columns, facts)

    def _made(self, wanted: _Wanted, histories: Histories) -> MarketDataset:
        key = self._key(wanted)
        with self._shelf.held(self._waiting):
            # Perhaps another process has made it meanwhile.
            dataset = self._find(wanted, histories, lambda _told_before: None)
            if dataset is not None:
                return dataset
            base = self._base(wanted)
            with self._shelf.making(key) as making, ColumnWriter(making) as writer:
                written, facts = DatasetWriter(writer, self._config, wanted.bars), []
                for history in histories(list(wanted.periods)):
                    facts.append(history_facts(history, self._config))
                    written.add_pair(self._blocks(history, wanted, base))
                    # Or two pairs would be in memory while the next one is loaded.
                    del history
                digests = {symbol: held.digest for symbol, held in wanted.held.items()}
                told = {"kind": self._kind(wanted), "held": digests, "points": _points(wanted)}
                dataset = written.end(key, told | joined_facts(facts))
            self._tell_of_made(self._shelf.path / key, len(dataset.close), base)
            self._prune()
        return dataset

    def _blocks(
        self, history: PairHistory, wanted: _Wanted, base: MarketDataset | None
    ) -> Iterator[MarketDataset]:
        symbol, made = history.bars.symbol, Extent.none(self._config)
        # Where none of a pair's bars had a quote yet, their spreads were unknown.
        spreads_known = Spreads.of(history.bars) is not None
        if base is not None and (base.spreads is not None) == spreads_known:
            for block in kept_blocks(base, symbol, wanted.periods[symbol].end_ns):
                made = made.with_block(block)
                yield block
        pair = self._config.pairs.index(symbol)
        yield from made_blocks(history, pair, self._config, made)

    def _base(self, wanted: _Wanted) -> MarketDataset | None:
        """The largest kept dataset from which rows can be taken; None if there is none."""
        kind, found = self._kind(wanted), []
        for folder in self._shelf.folders():
            with suppress(*UNUSABLE):
                columns, facts = self._shelf.open(folder.name)
                if facts["kind"] == kind:
                    dataset = dataset_of(self._config, columns, facts)
                    found.append((dataset, dict(facts["held"]), folder))
        for dataset, held, folder in sorted(found, key=lambda each: -len(each[0].close)):
            if not self._are_unchanged(dataset, held, wanted):
                continue
            try:
                self._shelf.open(folder.name, every_block=True)
            except UNUSABLE as error:
                self._tell(f"note: {folder} is not used ({error})")
            else:
                return dataset
        return None

    def _are_unchanged(
        self, dataset: MarketDataset, held: Mapping[str, object], wanted: _Wanted
    ) -> bool:
        """Whether the store has, in the periods wanted, the bars that `dataset` was made from."""
        for symbol, period in wanted.periods.items():
            times = dataset.open_time_ns[dataset.bars_of(symbol)]
            if not len(times) or symbol not in held:
                return False
            if self._held(symbol, period, int(times[-1]) + 1).digest != held[symbol]:
                return False
        return True

    def _waiting(self) -> None:
        self._tell(f"note: another process makes features in {self._shelf.path}: waiting for it")

    def _tell_of_made(self, folder: Path, bars: int, base: MarketDataset | None) -> None:
        taken = 0 if base is None else min(len(base.close), bars)
        before = f", {taken:,} of them taken from those kept before" if taken else ""
        self._tell(
            f"note: the features of {bars:,} bars are kept in {folder} "
            f"({size_bytes(folder) / 1e9:.1f} GB{before}), from where the next start reads them"
        )

    def _prune(self) -> None:
        """Drop the least recently used; a process that has them open keeps them until it ends."""
        with suppress(OSError):
            total = 0
            for number, folder in enumerate(self._shelf.folders()):
                total += size_bytes(folder)
                if number and (number >= MOST_KEPT or total > MOST_BYTES):
                    remove(folder)
                    self._tell(f"note: {folder}, the least recently used, was removed")


def _points(wanted: _Wanted) -> dict[str, str]:
    return {symbol: held.points for symbol, held in wanted.held.items()}


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """Digest of the code that makes datasets: another build may make others."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
