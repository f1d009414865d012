"""The linear forecast: NumPy's least squares, looking back only."""

import numpy as np
import pytest

from mlx_muzero.evaluation.rivals.changes import lagged
from mlx_muzero.evaluation.rivals.linear_forecast import fit_forecasts


@pytest.fixture(scope="module")
def changes():
    return np.random.default_rng(0).normal(size=3000)


@pytest.mark.parametrize("lags", [(4,), (4, 9)])
def test_weights_are_those_of_least_squares(changes, lags):
    bars = np.arange(20, 2900)
    forecasts = fit_forecasts(changes, bars, lags, horizons=(1, 7))
    assert [(len(f.weights), f.horizon) for f in forecasts] == [
        (n, h) for n in lags for h in (1, 7)
    ]
    for forecast in forecasts:
        known = np.c_[lagged(changes, bars, len(forecast.weights)), np.ones(len(bars))]
        ahead = [changes[bar + 1 : bar + 1 + forecast.horizon].sum() for bar in bars]
        wanted = np.linalg.lstsq(known, np.array(ahead))[0]
        np.testing.assert_allclose(np.r_[forecast.weights, forecast.constant], wanted, atol=1e-5)
        np.testing.assert_allclose(forecast.expected(changes)[bars], known @ wanted, atol=1e-4)


def test_what_comes_later_changes_no_forecast(changes):
    forecast = fit_forecasts(changes, np.arange(20, 2900), (8,), (5,))[0]
    altered = changes.copy()
    altered[1500:] += 10.0
    now, then = forecast.expected(changes), forecast.expected(altered)
    np.testing.assert_array_equal(now[:1500], then[:1500])
    assert (now[1500:] != then[1500:]).all()
