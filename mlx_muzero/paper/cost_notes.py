"""Notes on what trading each pair costs, given once, as soon as the pair has a price."""

from collections.abc import Mapping

import numpy as np

from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import FillSettings
from mlx_muzero.trading.cost_size import cost_note, step_note
from mlx_muzero.trading.costs import BASIS_POINT


class CostNotes:
    """Remembers which pairs of a session still need a note.

    Args:
        session: provides the pairs.
        fills: costs of a fill.
    """

    def __init__(self, session: Session, fills: FillSettings) -> None:
        self._fills, self._traders = fills, session.traders
        self._pips = {pair: t.account.core.rules.pip_size for pair, t in session.traders.items()}

    def of_minute(self, pairs: Mapping[str, Row]) -> list[str]:
        """Notes on pairs that have their first price; one for all that cost the same.

        Args:
            pairs: facts of a minute's journal event, by pair.
        """
        of_notes: dict[str, list[str]] = {}
        step_notes = []
        # A pair that has no bar yet has no price: None, 0 or NaN.
        for pair in [pair for pair in self._pips if (pairs[pair]["close"] or 0.0) > 0.0]:
            pip_size, close = self._pips.pop(pair), pairs[pair]["close"]
            costs = self._fills.whole_costs(pip_size)
            spread = self._traders[pair].account.spread if costs.quoted else None
            size = cost_note(costs, close, pip_size, (spread or 0.0) / (close * BASIS_POINT))
            of_notes.setdefault(size, []).append(pair)
            if note := step_note(pair, np.array([close]), costs, pip_size):
                step_notes.append(note)
        return [f"{', '.join(alike)}: {size}" for size, alike in of_notes.items()] + step_notes
