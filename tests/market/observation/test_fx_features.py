import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.market.observation.fx_features import (
    FEATURE_NAMES,
    HISTORY_BARS,
    market_features,
)

PIP = 0.01


def features_of(bars):
    return market_features(bars.open_time_ns, bars.close, PIP)


def test_a_row_is_what_its_formula_says():
    bars = walk_bars(300, seed=3)
    t = 250
    close = bars.close
    window = close[t - 59 : t + 1]
    momentum = np.array([close[k] - close[k - 60] for k in range(t - 59, t + 1)])
    short = np.array([close[k] - close[k - 5] for k in range(t - 59, t + 1)])
    ranges = np.array(
        [close[k - 59 : k + 1].max() - close[k - 59 : k + 1].min() for k in range(t - 59, t + 1)]
    )

    def scaled(values):
        return (values[-1] - values.min()) / (values.max() - values.min())

    minute_of_day = (MONDAY_NS // MINUTE_NS + t) % 1440
    expected = [
        scaled(window),
        scaled(momentum),
        scaled(ranges),
        scaled(short),
        np.tanh((close[t] - close[t - 1]) / PIP / 10),
        1.0,  # Monday is day 0
        0.0,
        np.cos(2 * np.pi * minute_of_day / 1440),
        np.sin(2 * np.pi * minute_of_day / 1440),
    ]
    np.testing.assert_allclose(features_of(bars)[t], expected, rtol=1e-6, atol=1e-6)


def test_warm_up_rows_are_marked_and_no_other():
    rows = features_of(walk_bars(200))
    assert np.isnan(rows[: HISTORY_BARS - 1]).all()
    assert np.isfinite(rows[HISTORY_BARS - 1 :]).all()
    assert np.isnan(features_of(walk_bars(HISTORY_BARS - 1))).all()


def test_a_flat_market_scales_to_the_middle():
    bars = walk_bars(200)
    rows = market_features(bars.open_time_ns, np.full(200, 110.0), PIP)
    flat = rows[HISTORY_BARS - 1 :, : FEATURE_NAMES.index("price_change_pips")]
    assert (flat == 0.5).all()


@examples(20)
@given(seed=st.integers(0, 2**16), cut=st.integers(HISTORY_BARS, 299))
def test_the_future_does_not_change_the_past(seed, cut):
    bars = walk_bars(300, seed)
    close = bars.close.copy()
    close[cut:] += np.random.default_rng(seed).normal(size=300 - cut)
    changed = market_features(bars.open_time_ns, close, PIP)
    np.testing.assert_array_equal(features_of(bars)[:cut], changed[:cut])
