"""What only reading all of a dataset tells: its digests, and how much of its context is known."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.market.observation.context import context_columns, context_names

if TYPE_CHECKING:
    from mlx_muzero.market.dataset import MarketDataset


@dataclass(frozen=True)
class MarketSummary:
    """Digests, by which a run recognises its market, and shares of known context.

    Attributes:
        digest: SHA-256 over times, closes and any observed columns that do not follow from those.
        opens_digest: SHA-256 over the opens.
        quotes_digest: SHA-256 over the quoted spreads; None without quotes.
        known: share of each pair's bars for which a context column is known, by column and symbol.
    """

    digest: str
    opens_digest: str
    quotes_digest: str | None
    known: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, dataset: "MarketDataset") -> "MarketSummary":
        """Read all of `dataset`."""
        columns: list[npt.NDArray[Any]] = [dataset.open_time_ns, dataset.close]
        if dataset.config.features == "crypto":
            frames = (frame.rows for frame in dataset.frames)
            columns += [dataset.funding_rate, dataset.features, *frames, dataset.context]
        spreads = dataset.spreads
        return cls(
            digest=_sha256(columns),
            opens_digest=_sha256([dataset.open]),
            quotes_digest=None if spreads is None else _sha256([spreads.open, spreads.close]),
            known=_known(dataset),
        )


def _sha256(columns: Iterable[npt.NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for column in columns:
        # The bytes where they are: `tobytes` would copy a column of gigabytes.
        digest.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _known(dataset: "MarketDataset") -> dict[str, dict[str, float]]:
    if dataset.config.features != "crypto":
        return {}
    names = context_names(dataset.config)
    known = {}
    for column in context_columns(dataset.config):
        at_bar = dataset.context[:, names.index(f"{column.name}_known")]
        known[column.name] = {
            symbol: float(at_bar[dataset.bars_of(symbol)].mean()) for symbol in dataset.symbols
        }
    return known
