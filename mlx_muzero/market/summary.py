"""What only reading all of a dataset tells: its digests, and how much of its context is known."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.observation.context import context_columns, context_names
from mlx_muzero.types import F32


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


def sha256_of(columns: Iterable[npt.NDArray[Any]]) -> str:
    """SHA-256 over the bytes of `columns`, one after another."""
    digest = hashlib.sha256()
    for column in columns:
        # The bytes where they are: `tobytes` would copy a column of gigabytes.
        digest.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def known_shares(
    context: F32, bars_of: Mapping[str, slice], config: MarketConfig
) -> dict[str, dict[str, float]]:
    """`MarketSummary.known` of ``f32[T, G]`` context, of which each symbol has the bars given."""
    names = context_names(config)
    known = {}
    for column in context_columns(config):
        at_bar = context[:, names.index(f"{column.name}_known")]
        known[column.name] = {
            symbol: float(at_bar[bars].mean()) for symbol, bars in bars_of.items()
        }
    return known
