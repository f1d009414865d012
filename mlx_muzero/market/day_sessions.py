"""Where the session of the day ends that a bar belongs to, if sessions are those of days."""

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import SplitRange, session_starts
from mlx_muzero.types import I64

NO_END = np.iinfo(np.int64).max
"""Of bars whose session may be any that they lie in, and of those that lie in none."""


def last_decisions(dataset: MarketDataset) -> I64:
    """``i64[T]`` bar of the last decision in the session of each bar, or `NO_END`.

    A session that starts at a local time ends at a time that its bars can tell, and an account that
    holds a position then goes flat. Where sessions may start at any bar, no bar tells its end.
    """
    last = np.full(len(dataset.close), NO_END)
    if not dataset.config.session_start:
        return last
    always = SplitRange(int(dataset.open_time_ns.min()), NO_END, seen_from_ns=0)
    columns = dataset.open_time_ns, dataset.pair, dataset.seen_from, dataset.config
    starts, steps = session_starts(*columns, always), dataset.config.session_bars
    last[starts[:, None] + np.arange(steps)] = starts[:, None] + steps - 1
    return last
