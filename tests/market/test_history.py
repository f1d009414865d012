"""A configuration may name a span of time; only its bars are loaded."""

import dataclasses

import pytest

from markets import walk_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import DataError
from mlx_muzero.market.history import load_history

SPAN = dataclasses.replace(
    FX_MICRO.market, first_utc="2019-01-07 01:00", end_utc="2019-01-07T04:00+02:00"
)


def test_bars_of_the_span_alone(store):
    bars = walk_bars(300)
    store.write(bars)
    loaded = load_history(store, "TEST", SPAN).bars
    assert loaded.open_time_ns.tolist() == bars.open_time_ns[60:120].tolist()
    assert len(load_history(store, "TEST", FX_MICRO.market).bars) == 300


def test_a_span_without_bars(store):
    store.write(walk_bars(30))
    with pytest.raises(DataError, match=r"no bars of TEST between market\.first_utc"):
        load_history(store, "TEST", SPAN)
