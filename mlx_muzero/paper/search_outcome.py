"""The result of a minute's search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.search.result import SearchResult


@dataclass
class SearchOutcome:
    """The result of a minute's search.

    Attributes:
        pairs: pairs decided on, in batch order.
        result: the search result; None if nothing was planned.
        simulations: number of simulations.
        trees: columns of each pair's search tree.
        positions: index of the position each pair held before.
        threshold_pips: threshold of each pair.
        latency_ms: latency by stage.
    """

    pairs: list[str] = field(default_factory=list)
    result: SearchResult | None = None
    simulations: int = 0
    trees: list[Mapping[str, Sequence[Any]]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    threshold_pips: list[float] = field(default_factory=list)
    latency_ms: dict[str, float] = field(default_factory=dict)

    def rows(
        self,
        close_ns: int,
        accounts: Mapping[str, PairAccount],
        why_not: Mapping[str, str | None],
    ) -> list[Row]:
        """Rows of the store, after the orders were sent.

        Args:
            close_ns: end of the minute.
            accounts: accounts of the pairs decided on.
            why_not: what limited each pair, if anything did.
        """
        result = self.result
        if result is None:
            return []
        return [
            {
                "close_ns": close_ns,
                "pair": pair,
                "bar": accounts[pair].bar,
                "position": self.positions[i],
                "action": int(result.action[i]),
                "visits": result.visits[i].tolist(),
                "value": float(result.value[i]),
                "network_value": float(result.raw_value[i]),
                "simulations": self.simulations,
                "order_id": None if order is None else order.id,
                "limited_by": why_not[pair],
            }
            for i, pair in enumerate(self.pairs)
            for order in (accounts[pair].order,)
        ]
