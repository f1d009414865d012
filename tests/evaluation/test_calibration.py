"""Calibration of predicted outcomes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.forecasts import BINS, OutcomeForecast


def calibrate(probability, outcome):
    rates = np.full(probability.shape[1], 1.0 / probability.shape[1])
    return OutcomeForecast.of(probability.astype(np.float64), outcome, rates)


def test_probabilities_that_come_true_have_no_error():
    probability = np.tile(np.array([[0.75, 0.25]], np.float32), (400, 1))
    outcome = np.repeat([0, 1], [300, 100])
    found = calibrate(probability, outcome)
    assert found.calibration_error == pytest.approx(0.0, abs=1e-6)
    assert found.predicted == pytest.approx(found.realized)


def test_certainty_that_never_comes_true_is_all_error():
    found = calibrate(np.tile(np.array([[1.0, 0.0]], np.float32), (5, 1)), np.full(5, 1))
    assert found.calibration_error == pytest.approx(1.0)
    assert [part.observed for part in found.calibration] == [1.0, 0.0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 4))
def test_every_probability_is_in_one_bin_and_errors_are_shares(seed, count, outcomes):
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.ones(outcomes), count).astype(np.float32)
    found = calibrate(probability, rng.integers(outcomes, size=count))
    assert sum(part.count for part in found.calibration) == count * outcomes
    assert len(found.calibration) <= BINS
    assert 0.0 <= found.calibration_error <= 1.0
    assert sum(found.realized) == pytest.approx(1.0)
