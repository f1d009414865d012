"""An observer of a currency pair's context shows what the dataset does, spread included."""

import dataclasses

import numpy as np

from markets import quoted_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.fx_context import HISTORY_BARS
from mlx_muzero.market.quotes import open_spread
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.observation import Observer


def test_the_context_of_a_live_bar_is_the_datasets():
    config = dataclasses.replace(FX_MICRO.market, features="fx_context", window_bars=8)
    bars = quoted_bars(HISTORY_BARS + 5)
    spread = open_spread(bars)
    spread[-2] = np.nan
    bars = dataclasses.replace(bars, extras={"open_ask": bars.open + spread})
    dataset = MarketDataset.from_bars(bars, config)
    observer = Observer(config, "TEST")
    assert observer.history_bars >= HISTORY_BARS
    columns = (bars.open_time_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = zip(*(column.tolist() for column in columns), open_spread(bars).tolist(), strict=True)
    for bar, (*values, ask) in enumerate(rows):
        known = None if np.isnan(ask) else ask
        observer.push(LiveBar("TEST", *values, None, values[0], spread=known))
        if bar < HISTORY_BARS - 1:
            assert f"needs at least {HISTORY_BARS:,}" in observer.warming()
        else:
            observed = observer.observe(np.zeros(0, np.float32))
            assert observed.tobytes() == dataset.windows(np.array([bar]))[0].tobytes()
