"""A configuration may name a span of time; only its bars are loaded."""

import dataclasses

import numpy as np
import pytest

from markets import quoted_bars, walk_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import DataError
from mlx_muzero.market.history import load_history
from mlx_muzero.market.quotes import open_spread

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


def test_a_feature_set_that_shows_the_spread_loads_what_quotes_there_are(store):
    bars = quoted_bars(300)
    asks = {name: np.where(np.arange(300) < 30, ask, np.nan) for name, ask in bars.extras.items()}
    store.write(dataclasses.replace(bars, extras={}), asks)
    assert open_spread(load_history(store, "TEST", FX_MICRO.market).bars) is None
    seen = dataclasses.replace(FX_MICRO.market, features="fx_context")
    spread = open_spread(load_history(store, "TEST", seen).bars)
    assert np.array_equal(spread[:30], (bars.extras["open_ask"] - bars.open)[:30])
    assert np.isnan(spread[30:]).all()
