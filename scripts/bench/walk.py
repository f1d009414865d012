"""A random walk with a market's clocks: the same bars, whose changes have random signs."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mlx_muzero.market.store.bar_store import BarStore


def write_walk(store: Path, symbol: str, path: Path, seed: int = 0) -> Path:
    """Write the bars of `symbol` in `store` to a new store at `path`, as a walk.

    Every change from close to close keeps its time and size in logarithms, and its sign is drawn:
    busy hours and quiet ones stay, and nothing forecasts the next sign. A bar opens at the close
    before it.

    Raises:
        SystemExit: there is something at `path` already.
    """
    if path.exists():
        raise SystemExit(f"{path} exists: name a store that is still to be written")
    with BarStore(store, read_only=True) as opened:
        bars = opened.load(symbol)
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], len(bars) - 1)
    steps = sign * np.abs(np.diff(np.log(bars.close)))
    close = bars.close[0] * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    first = np.concatenate([close[:1], close[:-1]])
    walked = replace(
        bars,
        open=first,
        high=np.maximum(first, close),
        low=np.minimum(first, close),
        close=close,
    )
    with BarStore(path) as opened:
        opened.write(walked)
    return path
