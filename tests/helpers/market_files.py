"""Small market files for the importers' tests, and what a refused one must leave behind."""

import numpy as np
import pytest

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import import_file
from mlx_muzero.timeunits import MINUTE_NS

MONDAY_NS = int(np.datetime64("2021-03-01T00:00", "ns").astype(np.int64))


def walk(n, seed=0):
    """Open, high, low, close of a small random walk, with three decimals."""
    steps = np.random.default_rng(seed).normal(0, 0.005, n + 1)
    price = np.round(105 + np.cumsum(steps), 3)
    o, c = price[:-1], price[1:]
    return o, np.maximum(o, c) + 0.002, np.minimum(o, c) - 0.002, c


def rows(stamp, n=200, tail="", delimiter=",", start=MONDAY_NS, seed=0):
    """Text rows of `n` minutes; `stamp` is a strftime format."""
    times = (start + np.arange(n) * MINUTE_NS).astype("M8[ns]").astype("M8[s]").tolist()
    return [
        delimiter.join([t.strftime(stamp), *(f"{x:.3f}" for x in prices)]) + tail
        for t, prices in zip(times, zip(*walk(n, seed), strict=True), strict=True)
    ]


def write(path, lines, head=None):
    path.write_text("\n".join(([head] if head else []) + lines) + "\n")
    return path


def ascii_file(path, n=200, **options):
    return write(path, rows("%Y%m%d %H%M%S", n, ";0", ";", **options))


def refused(store, path, *parts, **options):
    with pytest.raises(DataError) as error:
        import_file(store, path, **options)
    for part in (str(path), *parts):
        assert part in str(error.value)
    assert store.symbols() == []
    assert store.series() == []
    assert store.imports() == []
