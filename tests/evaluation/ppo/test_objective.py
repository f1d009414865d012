"""Advantages and the clipped objective, against their definitions."""

import math

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.ppo.objective import generalized_advantages, losses


@given(
    steps=st.integers(1, 8),
    seed=st.integers(0, 1000),
    discount=st.floats(0.5, 1.0),
    trace=st.floats(0.0, 1.0),
)
def test_advantages_are_the_sum_of_their_definition(steps, seed, discount, trace):
    rng = np.random.default_rng(seed)
    reward = rng.normal(size=(steps, 3)).astype(np.float32)
    value = rng.normal(size=(steps + 1, 3)).astype(np.float32)
    ended = rng.random((steps, 3)) < 0.3
    found = generalized_advantages(reward, value, ended, discount, trace)
    for one in range(3):
        for step in range(steps):
            wanted, weight = 0.0, 1.0
            for later in range(step, steps):
                goes_on = 0.0 if ended[later, one] else 1.0
                ahead = discount * goes_on * value[later + 1, one]
                wanted += weight * (reward[later, one] + ahead - value[later, one])
                weight *= discount * trace * goes_on
            assert found[step, one] == pytest.approx(wanted, abs=1e-4)


def test_a_trace_of_one_is_the_return_less_what_was_expected():
    reward, value = np.float32([[1.0], [2.0], [4.0]]), np.float32([[10.0], [20.0], [30.0], [40.0]])
    ended = np.array([[False], [False], [True]])
    found = generalized_advantages(reward, value, ended, 0.5, 1.0)
    assert found[:, 0].tolist() == [1 + 1 + 1 - 10, 2 + 2 - 20, 4 - 30]


def loss_of(ratio, advantage, clip=0.2):
    """The policy's loss where the second of two actions has become `ratio` times as likely."""
    before = np.log(np.float32([0.5, 0.5]))
    rows = np.tile(before, (2, 1))
    rows[:, 1] += np.log(np.float32(ratio))
    parts = losses(
        mx.array(rows),
        mx.zeros(2),
        mx.array([1, 1]),
        mx.array(before[[1, 1]]),
        mx.array(np.float32(advantage)),
        mx.zeros(2),
        clip,
    )
    return float(parts.policy)


def test_a_ratio_beyond_the_clip_gains_nothing_more():
    good = [2.0, 0.0]  # normalised: +1 and -1
    assert loss_of(1.0, good) == pytest.approx(0.0, abs=1e-6)
    # The good one is clipped at 1.2; the bad one is not, as its loss grows.
    assert loss_of(1.5, good) == pytest.approx(-(1.2 - 1.5) / 2, abs=1e-5)
    # The good one is not clipped, the bad one at 0.8.
    assert loss_of(0.5, good) == pytest.approx(-(0.5 - 0.8) / 2, abs=1e-5)


def test_an_even_policy_has_the_entropy_of_its_legal_actions():
    log_probs = mx.array(np.float32([[math.log(1 / 3)] * 3 + [-1e9]] * 4))
    four = mx.zeros(4)
    parts = losses(log_probs, four, mx.array([0, 1, 2, 0]), four, four, four + 2.0, 0.2)
    assert float(parts.entropy) == pytest.approx(math.log(3), rel=1e-5)
    assert float(parts.value) == pytest.approx(4.0)
