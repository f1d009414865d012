"""A batch as two halves: the same sums, whoever computes which half when."""

import dataclasses
import gc
import threading
from concurrent.futures import Future

import mlx.core as mx
import numpy as np
import pytest

from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import observation_features
from mlx_muzero.training.halves import Halves
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import build_model
from mlx_muzero.training.targets import Batch
from mlx_muzero.training.threads import Worker

pytestmark = pytest.mark.skipif(mx.default_device() != mx.cpu, reason="a CPU's way")
STEPS = 2


def configured(small_config, **model):
    return dataclasses.replace(small_config, model=dataclasses.replace(small_config.model, **model))


def learner_of(config, halves):
    table = TradingRules.from_config(config).table
    return Learner(with_random_heads(build_model(config, table)), config.train, halves=halves)


def random_batch(config, rows, seed=0):
    rng = np.random.default_rng(seed)
    shape = (rows, STEPS + 1, config.market.window_bars, len(observation_features(config)))
    valid = np.ones((rows, STEPS + 1), np.float32)
    valid[: rows // 3, 1:] = 0.0  # the halves have different numbers of valid steps
    return Batch(
        observation=rng.normal(size=shape).astype(np.float32),
        action=rng.integers(0, 4, (rows, STEPS)).astype(np.int32),
        outcome=rng.integers(0, 3, (rows, STEPS)).astype(np.int32),
        reward=rng.normal(size=(rows, STEPS)).astype(np.float32),
        policy=rng.dirichlet(np.ones(4), (rows, STEPS + 1)).astype(np.float32),
        value=rng.uniform(-35, 35, (rows, STEPS + 1)).astype(np.float32),
        afterstate_value=rng.uniform(-35, 35, (rows, STEPS)).astype(np.float32),
        valid=valid,
    )


def assert_same_arrays(one, two):
    for mine, theirs in zip(one.arrays(), two.arrays(), strict=True):
        for name, array in mine.items():
            np.testing.assert_array_equal(np.array(array), np.array(theirs[name]), name)


class OneAfterTheOther:
    """Does work at once, in the thread that asks for it."""

    def submit(self, work):
        done = Future()
        done.set_result(work())
        return done


@pytest.mark.parametrize("rows", [7, 8])
def test_halves_add_up_to_the_whole(small_config, rows):
    """Without batch norm and dropout, which differ by half."""
    config = configured(small_config, encoder="resnet", dropout=0.0)
    halved, whole = learner_of(config, halves=True), learner_of(config, halves=False)
    for seed in range(3):
        batch = random_batch(config, rows, seed)
        one, two = halved.step(batch), whole.step(batch)
        assert one.losses == pytest.approx(two.losses, rel=1e-4)
        assert one.total == pytest.approx(two.total, rel=1e-4)
        assert one.gradient_norm == pytest.approx(two.gradient_norm, rel=1e-3)
        assert one.overflow_frac == pytest.approx(two.overflow_frac)


@pytest.mark.parametrize("encoder", ["tcn", "transformer"])
def test_one_after_the_other_is_the_same_to_the_last_bit(small_config, encoder):
    """Recorded or not, dropout and batch norm included."""
    config = configured(small_config, encoder=encoder, dropout=0.2)
    together, apart = learner_of(config, halves=True), learner_of(config, halves=True)
    apart._halves._worker = OneAfterTheOther()
    apart._halves._gradient = apart._eager_gradient
    for seed in range(4):
        batch = random_batch(config, 8, seed)
        assert together.step(batch) == apart.step(batch)
    assert_same_arrays(together, apart)


def test_running_statistics_follow_the_mean_of_both_halves(small_config):
    config = configured(small_config, encoder="tcn", dropout=0.0)
    batch = random_batch(config, 8)
    followed = []
    for part in batch.split(2):
        alone = learner_of(config, halves=False)
        alone.step(part)
        followed.append(alone._parts.statistics())
    both = learner_of(config, halves=True)
    both.step(batch)
    assert len(both._parts.statistics()) > 0
    for found, *parts in zip(both._parts.statistics(), *followed, strict=True):
        mean = (np.array(parts[0]) + np.array(parts[1])) / 2
        np.testing.assert_allclose(np.array(found), mean, rtol=1e-5, atol=1e-6)


def test_halves_drop_other_units(small_config):
    config = configured(small_config, encoder="resnet", dropout=0.5)
    half = random_batch(config, 4)
    twice = Batch(*(np.concatenate([c, c]) for c in vars(half).values()))
    learner, seen = learner_of(config, halves=True), []
    compute = learner._halves._gradient
    learner._halves._gradient = lambda *arrays: seen.append(compute(*arrays)) or seen[-1]
    learner.step(twice)
    one, two = (np.array(figures["losses"]) for figures in seen)
    assert not np.allclose(one, two)


def test_a_single_row_has_no_halves(small_config):
    config = configured(small_config, encoder="resnet", dropout=0.1)
    batch = random_batch(config, 1)
    one, two = learner_of(config, halves=True), learner_of(config, halves=False)
    assert one.step(batch) == two.step(batch)


def test_a_fault_in_either_half_leaves_the_weights(small_config):
    config = configured(small_config, encoder="tcn")
    for faulty in range(2):
        learner, batch = learner_of(config, halves=True), random_batch(config, 4)
        before = {name: np.array(array) for name, array in learner.arrays()[0].items()}

        def fail(*_arguments, **_named):
            raise ValueError("no arrays")

        learner._halves._objectives[faulty].arrays = fail
        with pytest.raises(ValueError, match="no arrays"):
            learner.step(batch)
        for name, array in learner.arrays()[0].items():
            np.testing.assert_array_equal(np.array(array), before[name], name)


def test_the_second_thread_ends_with_its_owner():
    worker = Worker()
    served = worker.submit(threading.current_thread).result()
    assert worker.submit(threading.current_thread).result() is served
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 / 0).result()
    assert worker.submit(lambda: 1).result() == 1
    del worker
    gc.collect()
    served.join(5.0)
    assert not served.is_alive()


def test_parts_of_a_batch_have_its_rows(small_config):
    batch = random_batch(small_config, 7)
    for count, sizes in ((1, [7]), (2, [3, 4]), (3, [2, 2, 3]), (9, [1] * 7)):
        parts = batch.split(count)
        assert [len(part) for part in parts] == sizes
        for name, column in vars(batch).items():
            joined = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(joined, column, name)


def test_halves_are_those_of_a_learner_that_is_told_to(small_config):
    config = configured(small_config, encoder="resnet")
    assert isinstance(learner_of(config, halves=True)._halves, Halves)
    assert learner_of(config, halves=False)._halves is None
