"""Validations and checkpoints fall at the multiples of their intervals, whatever the lockstep."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.schema import CollectConfig, Config, TrainConfig
from mlx_muzero.runlog import journal
from mlx_muzero.training.phases.cadence import is_due, round_size
from runs import assert_same_run, at_poll, everything, make_trainer, ran_through

counts = st.integers(1, 300)


@given(envs=counts, validate=counts, checkpoint=counts, episodes=counts, begun=st.integers(0, 300))
def test_rounds_end_at_every_multiple(envs, validate, checkpoint, episodes, begun):
    """Also of a run that an older version left between two multiples."""
    train = TrainConfig(
        episodes=episodes, validate_interval=validate, checkpoint_interval=checkpoint
    )
    config = Config(collect=CollectConfig(envs=envs), train=train)
    done, ends = begun, []
    while size := round_size(config, "search", done):
        assert 1 <= size <= envs
        done += size
        ends.append(done)
    assert done == max(begun, episodes)
    for interval in (validate, checkpoint):
        due = {at for at in range(begun + 1, done + 1) if at % interval == 0}
        assert due <= set(ends)


@pytest.mark.parametrize(
    ("last", "episodes", "due"),
    [(0, 99, False), (0, 100, True), (100, 199, False), (112, 192, False), (112, 200, True)],
)
def test_what_is_due(last, episodes, due):
    assert is_due(100, last, episodes) is due


@pytest.fixture
def uneven(small_config):
    """Four sessions in lockstep; no interval is a multiple of that."""
    train = dataclasses.replace(small_config.train, validate_interval=5, checkpoint_interval=3)
    return dataclasses.replace(small_config, train=train)


@pytest.fixture
def whole(tmp_path_factory, uneven):
    """A run of `uneven`, made once."""
    return ran_through(uneven, tmp_path_factory.getbasetemp() / "uneven")


def test_a_run_validates_and_saves_at_the_multiples(whole):
    events = list(journal.read(whole.folder.journal_path))
    assert [e["episodes"] for e in events if e["event"] == "validated"] == [5, 10, 12]
    saved = [int(e["checkpoint"][-6:]) for e in events if e["event"] == "saved" and not e["best"]]
    assert set(saved) >= {3, 6, 9, 12}


@pytest.mark.slow
@pytest.mark.parametrize("poll", [9, 20, 37, 58])
def test_stopped_between_the_multiples_and_resumed_is_the_same_run(
    tmp_path, uneven, small_dataset, whole, poll
):
    assert not make_trainer(tmp_path, uneven, small_dataset, at_poll(poll)).run()
    resumed = make_trainer(tmp_path, uneven, small_dataset)
    assert resumed.run()
    assert_same_run(everything(resumed), everything(whole))
