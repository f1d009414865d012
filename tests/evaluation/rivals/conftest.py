"""A planted market that the rivals are fitted on."""

import dataclasses

import pytest

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.trading.rules import TradingRules


@pytest.fixture(autouse=True)
def quick_rivals():
    """They are fitted here as in reports."""


SESSION_BARS = 60
_MARKET = dataclasses.replace(FX_MICRO.market, symbol="TEST", session_bars=SESSION_BARS)


@pytest.fixture(scope="package")
def rules():
    """Of fx_micro, 4 pips a round trip."""
    return TradingRules.from_config(FX_MICRO)


@pytest.fixture(scope="package")
def planted():
    """Eight days with an edge."""
    bars, _ = planted_edge(1, 8, session_bars=SESSION_BARS)
    return MarketDataset.from_bars(bars, _MARKET)


@pytest.fixture(scope="package")
def walk():
    """Eight days without one."""
    bars, _ = random_walk(1, 8, session_bars=SESSION_BARS)
    return MarketDataset.from_bars(bars, _MARKET)
