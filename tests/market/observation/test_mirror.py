"""The market upside down, from its features and from its prices."""

import numpy as np

from markets import walk_bars
from mlx_muzero.market.observation.fx_features import HISTORY_BARS, market_features
from mlx_muzero.market.observation.mirror import mirror


def test_it_shows_the_features_of_reversed_prices():
    bars = walk_bars(600)
    upright = market_features(bars.open_time_ns, bars.close, 0.01)[HISTORY_BARS:]
    reversed_ = market_features(bars.open_time_ns, 300.0 - bars.close, 0.01)[HISTORY_BARS:]
    np.testing.assert_allclose(mirror(upright), reversed_, atol=1e-5)
    np.testing.assert_allclose(mirror(mirror(upright)), upright, atol=1e-6)
