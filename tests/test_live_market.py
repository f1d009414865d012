"""The live market gives the rows that the batch gives, bit for bit, in every modality."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_markets import CONFIG, history, points
from markets import MINUTE_NS, walk_bars
from mlx_muzero.config import FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.live import LiveMarket
from mlx_muzero.market.timeframes import Minute


def minutes_of(bars):
    columns = (bars.open_time_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [Minute(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def assert_same(live, dataset, bars, first=0):
    """`live`, fed from bar `first` on, shows what `dataset` shows; returns how often it did."""
    shown = 0
    for t, minute in enumerate(minutes_of(bars)[first:], first):
        window = live.push(minute)
        if window is not None:
            assert window.tobytes() == dataset.windows(np.array([t]))[0].tobytes()
            shown += 1
        elif first == 0:
            assert dataset.seen_from[t] < 0
    return shown


@pytest.mark.parametrize("seed", range(3))
def test_fx(seed):
    config = dataclasses.replace(FX_MICRO.market, window_bars=8)
    bars = walk_bars(400, seed)
    live = LiveMarket(config, "TEST")
    assert assert_same(live, MarketDataset.from_bars(bars, config), bars) == 400 - 119 - 7


@settings(max_examples=4)
@given(seed=st.integers(0, 2**16), first=st.sampled_from([0, 1, 7, 130]))
def test_crypto_with_holes_and_every_series(seed, first):
    pair = history("BBB", 3400, seed)
    dataset = MarketDataset.of_pairs([pair], CONFIG)
    live = LiveMarket(CONFIG, "BBB", pair.series)
    assert assert_same(live, dataset, pair.bars, first) > 1000


def test_points_may_come_one_by_one_and_old_ones_go():
    pair = history("AAA", 2600, seed=3)
    dense = points("AAA", "book_imbalance", pair.bars.open_time_ns, seed=4)
    pair = dataclasses.replace(pair, series={**pair.series, "book_imbalance": dense})
    dataset = MarketDataset.of_pairs([pair], CONFIG)
    live = LiveMarket(CONFIG, "AAA", {n: s for n, s in pair.series.items() if n != dense.name})
    told = 0
    for t, minute in enumerate(minutes_of(pair.bars)):
        now_known = np.searchsorted(dense.known_ns, minute.open_time_ns + MINUTE_NS, side="right")
        live.add_series(dense.slice(told, now_known))
        told = now_known
        window = live.push(minute)
        if window is not None:
            assert window.tobytes() == dataset.windows(np.array([t]))[0].tobytes()
    assert len(live._series[dense.name]) <= 2048


def test_a_minute_that_came_before_is_refused():
    live = LiveMarket(FX_MICRO.market, "TEST")
    minute = minutes_of(walk_bars(1))[0]
    live.push(minute)
    with pytest.raises(ValueError, match="came before"):
        live.push(minute)
