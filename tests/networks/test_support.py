"""Two-hot values: exact inside the support, clamped and counted outside."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.networks import Support

FX = Support(-300.0, 300.0, 601)
supports = st.builds(
    lambda low, width, bins: Support(low, low + width, bins),
    st.floats(-500, 500),
    st.floats(0.5, 1000),
    st.integers(2, 700),
)


@given(supports, st.lists(st.floats(0, 1), min_size=1, max_size=8))
@examples(60)
def test_encode_and_decode_agree_inside(support, shares):
    low, high = support.value_min, support.value_max
    values = np.array([low + share * (high - low) for share in shares], np.float32)
    probabilities = support.encode(mx.array(values))
    assert probabilities.shape == (len(shares), support.bins)
    tolerance = 4e-6 * (abs(low) + abs(high))
    np.testing.assert_allclose(np.array(support.expectation(probabilities)), values, atol=tolerance)
    np.testing.assert_allclose(np.array(probabilities.sum(axis=-1)), 1.0, atol=1e-6)
    assert int((probabilities > 0).sum(axis=-1).max()) <= 2
    assert float(probabilities.min()) >= 0


@given(supports, st.floats(1, 1000))
@examples(40)
def test_values_outside_are_clamped_and_counted(support, distance):
    low, high = support.value_min, support.value_max
    values = mx.array([low - distance, (low + high) / 2, high + distance])
    decoded = support.expectation(support.encode(values))
    np.testing.assert_allclose(
        np.array(decoded)[[0, 2]], [low, high], atol=4e-6 * (abs(low) + abs(high))
    )
    assert support.count_outside(values).item() == 2


def test_bins_of_fx_are_whole_pips():
    encoded = np.array(FX.encode(mx.array([-300.0, -0.25, 300.0])))
    assert [np.flatnonzero(row).tolist() for row in encoded] == [[0], [299, 300], [600]]
    assert encoded[1, [299, 300]].tolist() == [0.25, 0.75]
    assert FX.count_outside(mx.array([-300.0, 300.0])).item() == 0


def test_decode_of_equal_logits_is_the_middle():
    logits = mx.zeros((2, 3, 601))
    assert FX.decode(logits).shape == (2, 3)
    assert abs(FX.decode(logits).max().item()) < 1e-3


def test_cross_entropy_is_least_at_the_encoded_value():
    support = Support(-5.0, 5.0, 11)
    target = support.encode(mx.array(1.34))

    def loss(logits: mx.array) -> mx.array:
        return mx.logsumexp(logits) - (target * logits).sum()

    logits = mx.zeros(11)
    for _ in range(300):
        logits = logits - 2.0 * mx.grad(loss)(logits)
    assert support.decode(logits).item() == pytest.approx(1.34, abs=0.05)


@pytest.mark.parametrize("wrong", [(0.0, 0.0, 3), (1.0, 0.0, 3), (0.0, 1.0, 1)])
def test_a_support_without_extent_is_an_error(wrong):
    with pytest.raises(ValueError, match="two bins"):
        Support(*wrong)
