"""Blocks of a pair: any cut of a history, at once or over days, gives the bits of the whole."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_markets import CONFIG, crypto_bars, every_series
from examples import examples
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.market import pair_blocks
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.column_files import ColumnWriter
from mlx_muzero.market.dataset import MarketDataset, history_facts, joined_facts
from mlx_muzero.market.dataset_columns import DatasetWriter
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.pair_blocks import Extent, kept_blocks, made_blocks
from mlx_muzero.timeunits import DAY_NS
from same_datasets import require_same

MINUTES = 7000
MICRO = replace(PRESETS["fx_micro"].market, symbol="AAA", symbols=())


@cache
def history(symbol):
    """Bars with holes, one of days, and with quotes of which some are unknown."""
    bars = crypto_bars(symbol, MINUTES, seed=ord(symbol[0]), hole_frac=0.05)
    late = np.arange(len(bars)) >= 4400
    draw = np.random.default_rng(1)
    quotes = {}
    for name, side in {"open_ask": bars.open, "close_ask": bars.close}.items():
        unknown = draw.random(len(bars)) < 0.05
        unknown[2300:2900] = True
        quotes[name] = np.where(unknown, np.nan, side * (1 + draw.exponential(1e-4, len(bars))))
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    times = bars.open_time_ns + late * 2 * DAY_NS
    whole = Bars(symbol, times, *columns, extras=quotes)
    return PairHistory(whole, every_series(symbol, MINUTES + 2 * 1440, seed=3), "crypto")


def until(whole, bars):
    """The history as it was when so many bars had come: without points known later."""
    cut = whole.bars.slice(0, bars)
    closed = int(cut.open_time_ns[-1]) + 60_000_000_000
    series = {
        name: points.slice(0, int(np.searchsorted(points.known_ns, closed, side="right")))
        for name, points in whole.series.items()
    }
    return replace(whole, bars=cut, series=series)


def written(folder, histories, config, base=None):
    folder.mkdir()
    with ColumnWriter(folder) as writer:
        columns, facts = DatasetWriter(writer, config, 10_000), []
        for one in histories:
            symbol, made = one.bars.symbol, Extent.none(config)
            blocks = []
            if base is not None:
                blocks = list(kept_blocks(base, symbol, int(one.bars.open_time_ns[-1]) + 1))
                for block in blocks:
                    made = made.with_block(block)
            pair = config.pairs.index(symbol)
            columns.add_pair([*blocks, *made_blocks(one, pair, config, made)])
            facts.append(history_facts(one, config))
        return columns.end("key", joined_facts(facts))


@examples(10)
@given(
    st.integers(900, MINUTES),
    st.lists(st.tuples(*[st.integers(60, 6600)] * 2), min_size=1, max_size=3),
    st.sampled_from([CONFIG, replace(CONFIG, timeframes=()), replace(CONFIG, timeframes=("5m",))]),
)
def test_any_way_in_which_bars_come_gives_the_dataset_of_all(tmp_path_factory, size, comes, config):
    whole = [history(symbol) for symbol in config.pairs]
    folder, base = tmp_path_factory.mktemp("blocks"), None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_blocks, "BLOCK_BARS", size)
        for number, bars in enumerate([*comes, (len(whole[0].bars), len(whole[1].bars))]):
            come = [until(of, count) for of, count in zip(whole, bars, strict=True)]
            base = written(folder / str(number), come, config, base)
            require_same(base, MarketDataset.of_pairs(come, config))


@examples(5)
@given(st.integers(150, 3000), st.integers(60, 6600))
def test_features_of_currencies_are_cut_like_those_of_coins(tmp_path_factory, size, first):
    folder, whole = tmp_path_factory.mktemp("blocks"), replace(history("AAA"), series={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_blocks, "BLOCK_BARS", size)
        base = written(folder / "a", [until(whole, first)], MICRO)
        dataset = written(folder / "b", [whole], MICRO, base)
    require_same(dataset, MarketDataset.of_pairs([whole], MICRO))
