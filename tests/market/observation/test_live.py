"""The live market gives the rows that the batch gives, bit for bit, in every modality."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_markets import CONFIG, history, points
from examples import examples
from markets import MINUTE_NS, quoted_bars, walk_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.fx_context import HISTORY_BARS
from mlx_muzero.market.observation.live import LiveMarket
from mlx_muzero.market.observation.timeframes import Bar
from mlx_muzero.market.quotes import open_spread
from mlx_muzero.market.series import Series


def minutes_of(bars):
    columns = [bars.open_time_ns, bars.open, bars.high, bars.low, bars.close, bars.volume]
    spread = open_spread(bars)
    columns += [] if spread is None else [spread]
    return [Bar(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def assert_same(live, dataset, bars, first=0, every=1):
    """`live`, fed from bar `first` on, shows what `dataset` shows; returns for how many bars.

    It is looked at after every `every`-th bar.
    """
    warm = 0
    for t, minute in enumerate(minutes_of(bars)[first:], first):
        live.push(minute)
        if live.warm:
            warm += 1
            if warm % every == 0:
                assert live.window().tobytes() == dataset.windows(np.array([t]))[0].tobytes()
        elif first == 0:
            assert dataset.seen_from[t] < 0
    return warm


@pytest.mark.parametrize("every", [1, 3, 50])
def test_fx(every):
    config = dataclasses.replace(FX_MICRO.market, window_bars=8)
    bars = walk_bars(400, seed=every)
    live = LiveMarket(config, "TEST")
    dataset = MarketDataset.from_bars(bars, config)
    assert assert_same(live, dataset, bars, every=every) == 400 - 119 - 7


@pytest.mark.parametrize("first", [0, 250])
def test_fx_with_context_across_a_weekend(first):
    config = dataclasses.replace(FX_MICRO.market, features="fx_context", window_bars=8)
    bars = quoted_bars(HISTORY_BARS + 400)
    away = np.where(np.arange(len(bars)) >= HISTORY_BARS + 300, 2 * 1440 * MINUTE_NS, 0)
    bars = dataclasses.replace(bars, open_time_ns=bars.open_time_ns + away)
    dataset = MarketDataset.from_bars(bars, config)
    live = LiveMarket(config, "TEST")
    assert assert_same(live, dataset, bars, first, every=13) == 401 - first


@pytest.mark.slow
@examples(4)
@given(
    seed=st.integers(0, 2**16),
    first=st.sampled_from([0, 1, 7, 130]),
    every=st.sampled_from([1, 7, 100]),
)
def test_crypto_with_holes_and_every_series(seed, first, every):
    pair = history("BBB", 3400, seed)
    dataset = MarketDataset.of_pairs([pair], CONFIG)
    live = LiveMarket(CONFIG, "BBB", pair.series)
    assert assert_same(live, dataset, pair.bars, first, every) > 1000


@pytest.mark.slow
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
        live.push(minute)
        if live.warm:
            assert live.window().tobytes() == dataset.windows(np.array([t]))[0].tobytes()
    assert len(live._series[dense.name]) <= 2048


def test_what_a_feed_tells_of_the_stored_points_again_changes_nothing():
    pair = history("AAA", 2600, seed=3)
    dataset = MarketDataset.of_pairs([pair], CONFIG)
    live = LiveMarket(CONFIG, "AAA", pair.series)
    for held in pair.series.values():
        # Stamped some milliseconds off, and told when it arrives, seconds later.
        stamped, told = held.event_ns + 3_000_000, held.known_ns + 2_000_000_000
        live.add_series(Series(held.symbol, held.name, stamped, told, held.value))
    assert assert_same(live, dataset, pair.bars, every=50) > 100


def test_a_window_needs_its_whole_history():
    live = LiveMarket(FX_MICRO.market, "TEST")
    live.push(minutes_of(walk_bars(1))[0])
    assert not live.warm
    with pytest.raises(ValueError, match="TEST has no complete window yet"):
        live.window()


def test_a_minute_that_came_before_is_refused():
    live = LiveMarket(FX_MICRO.market, "TEST")
    minute = minutes_of(walk_bars(1))[0]
    live.push(minute)
    with pytest.raises(ValueError, match="not later than the last"):
        live.push(minute)
