"""Limits of a paper session at local times: when pairs must be flat, or may not be entered."""

from collections.abc import Iterable

import numpy as np

from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.batched_search import last_minute
from mlx_muzero.trading.limits import MUST_BE_FLAT, Limits


class TimeLimits:
    """Tells what is allowed at the end of a minute."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def stage(self, close_ns: int) -> int:
        """Stage of the limits for what is decided at the end of a minute."""
        minute = np.array([last_minute(close_ns)])
        return int(self._limits.stages(minute.shape, minute, None)[0])

    def overdue(self, stage: int, accounts: Iterable[PairAccount]) -> list[str]:
        """Pairs whose pending orders would hold something when all must be flat."""
        if stage != MUST_BE_FLAT:
            return []
        return [a.pair for a in accounts if a.order is not None and a.order.to_exposure]

    @property
    def reason(self) -> str:
        """Why those orders are canceled."""
        return f"flat_by {self._limits.flat_by}"
