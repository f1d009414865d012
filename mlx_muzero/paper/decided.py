"""What a minute's search decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlx_muzero.search.result import SearchResult


@dataclass
class Decided:
    """The search of a minute.

    Attributes:
        pairs: decided on, in the order of the batch.
        result: of the search; None if nothing was planned.
        simulations: of it.
        trees: columns of each pair's search tree.
        positions: held before, by index.
        threshold_pips: of each pair.
        latency_ms: by stage.
    """

    pairs: list[str] = field(default_factory=list)
    result: SearchResult | None = None
    simulations: int = 0
    trees: list[Mapping[str, Sequence[Any]]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    threshold_pips: list[float] = field(default_factory=list)
    latency_ms: dict[str, float] = field(default_factory=dict)
