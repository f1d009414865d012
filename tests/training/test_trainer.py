"""The training loop: a run does the same whether or not it was stopped, and stops when it must."""

import dataclasses
import threading
import time

import numpy as np
import pytest

from examples import cases
from mlx_muzero.errors import RunError, TrainingDiverged
from mlx_muzero.evaluation import race
from mlx_muzero.numerics import numerics
from mlx_muzero.runlog import journal
from mlx_muzero.training import resumable_state
from mlx_muzero.training.collector import Collector, temperature
from mlx_muzero.training.learner import Learner
from runs import Heard, assert_same_run, at_poll, everything, make_trainer, ran_through

MORE_STOPS = (1, 12, 13, 17, 28, 30, 31, 45, 65, 78, 90)


def events(trainer, kind):
    return [e for e in journal.read(trainer.folder.journal_path) if e["event"] == kind]


@pytest.fixture
def whole(tmp_path_factory, small_config):
    """A run of `small_config`, made once."""
    return ran_through(small_config, tmp_path_factory.getbasetemp() / "uninterrupted")


@pytest.fixture
def uninterrupted(whole):
    """What a run of `small_config` ends as."""
    return everything(whole)


def test_a_run_does_what_it_was_told_to(tmp_path, small_config, small_dataset):
    heard = Heard()
    trainer = make_trainer(tmp_path, small_config, small_dataset, listener=heard)
    assert trainer.run()
    train = small_config.train
    assert trainer.counters.episodes == train.episodes
    assert trainer.counters.steps == heard.events.count("learned") == train.episodes
    assert heard.events.count("collected") == train.episodes // small_config.collect.envs
    assert heard.events.count("validated") == train.episodes // train.validate_interval
    assert len(trainer.state.replay) == small_config.replay.max_episodes
    assert [e["episodes"] for e in events(trainer, "validated")] == [4, 8, 12]
    assert events(trainer, "started")[0]["numerics"] == numerics()
    assert events(trainer, "finished")[0]["steps"] == train.episodes


def phase(heard):
    """What a stopped run was doing; four training steps and a validation follow each round."""
    if heard.events[-1] != "decided":
        return heard.events[-1]
    rounds_done = heard.events.count("learned") == 4 * heard.events.count("validated")
    return "collecting" if rounds_done else "validating"


@pytest.mark.parametrize(
    ("poll", "doing"),
    [
        (7, "collecting"),
        (15, "learned"),
        pytest.param(22, "validating", marks=pytest.mark.slow),
        *(pytest.param(poll, None, marks=pytest.mark.slow) for poll in MORE_STOPS),
    ],
)
def test_stopped_anywhere_and_resumed_is_the_same_run(
    tmp_path, small_config, small_dataset, uninterrupted, poll, doing
):
    heard = Heard()
    path = tmp_path / "stopped"
    assert not make_trainer(path, small_config, small_dataset, at_poll(poll), heard).run()
    assert doing in (phase(heard), None)
    resumed = make_trainer(path, small_config, small_dataset)
    assert resumed.run()
    assert_same_run(everything(resumed), uninterrupted)


@pytest.mark.slow
def test_a_run_stopped_again_and_again_is_the_same_run(
    tmp_path, small_config, small_dataset, uninterrupted
):
    path = tmp_path / "often"
    for _ in range(30):
        trainer = make_trainer(path, small_config, small_dataset, at_poll(25))
        if trainer.run():
            break
    assert_same_run(everything(trainer), uninterrupted)
    assert len(events(trainer, "resumed")) == len(events(trainer, "stopped")) > 2


def test_a_run_with_more_episodes_goes_on_from_a_finished_one(
    tmp_path, small_config, small_dataset, uninterrupted
):
    shorter = dataclasses.replace(
        small_config, train=dataclasses.replace(small_config.train, episodes=8)
    )
    finished = make_trainer(tmp_path / "grown", shorter, small_dataset)
    assert finished.run()
    again = make_trainer(tmp_path / "grown", shorter, small_dataset)
    assert again.run()
    assert_same_run(everything(again), everything(finished))
    longer = make_trainer(tmp_path / "grown", small_config, small_dataset)
    assert longer.run()
    assert_same_run(everything(longer), uninterrupted)


def test_stopping_in_the_last_validation_saves_like_anywhere_else(
    tmp_path, small_config, small_dataset, uninterrupted
):
    """The last validation comes at the end when the interval does not divide the episodes."""
    config = dataclasses.replace(
        small_config, train=dataclasses.replace(small_config.train, validate_interval=100)
    )
    heard = Heard()

    def validating():
        since_learned = heard.events[::-1].index("learned") if "learned" in heard.events else 0
        return heard.events.count("learned") == 12 and since_learned > 0

    stopped = make_trainer(tmp_path / "stopped", config, small_dataset, validating, heard)
    assert not stopped.run()
    assert stopped.counters.validated_at == 0
    resumed = make_trainer(tmp_path / "stopped", config, small_dataset)
    assert resumed.run()
    assert resumed.counters.validated_at == 12
    arrays = everything(resumed)
    for name in (name for name in uninterrupted if not name.startswith("counters.")):
        np.testing.assert_array_equal(arrays[name], uninterrupted[name], err_msg=name)


def test_the_best_checkpoint_is_the_one_with_the_highest_expectancy(whole):
    validated = events(whole, "validated")
    best = max(validated, key=lambda e: (e["metrics"]["expectancy_pips"], e["metrics"]["sqn"]))
    assert whole.counters.best_pips == best["metrics"]["expectancy_pips"]
    assert whole.folder.checkpoints.best().name.endswith(f"episode-{best['episodes']:06d}")


def test_weights_far_below_the_best_play_some_validation_sessions(
    tmp_path, small_config, small_dataset, monkeypatch
):
    monkeypatch.setattr(race, "LEAST_SESSIONS", 2)
    trainer = make_trainer(tmp_path, small_config, small_dataset)
    sessions = small_config.train.validate_sessions
    trainer.counters.best_pips = 1e6
    trainer.counters.best_sessions = [1e6] * sessions
    assert trainer.run()
    assert not trainer.folder.checkpoints.validated
    for event in events(trainer, "validated"):
        assert (event["best"], event["dropped_of_sessions"]) == (False, sessions)
        assert event["metrics"]["sessions"] == 2


@pytest.mark.parametrize(
    ("poisoned", "named"),
    [
        ("reward", "value, reward, afterstate"),
        ("value", "value, afterstate"),
        ("policy", "policy"),
        ("position_features", "policy, value, reward, outcome, afterstate, consistency"),
    ],
)
def test_a_poisoned_replay_ends_the_run_and_leaves_its_checkpoints(
    tmp_path, small_config, small_dataset, poisoned, named
):
    stopped = make_trainer(tmp_path, small_config, small_dataset, at_poll(15))
    assert not stopped.run()
    folder = stopped.folder.checkpoints.folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    resumed = make_trainer(tmp_path, small_config, small_dataset)
    getattr(resumed.state.replay.episodes, poisoned)[:] = np.nan
    with pytest.raises(TrainingDiverged, match=f"loss NaN or infinite: {named}\\."):
        resumed.run()
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    last = list(journal.read(resumed.folder.journal_path))[-1]
    assert last["event"] == "diverged"
    assert named in last["reason"]


def test_resuming_a_checkpoint_of_other_networks_says_which_checkpoint(
    tmp_path, small_config, small_dataset
):
    make_trainer(tmp_path, small_config, small_dataset, at_poll(2)).run()
    other = dataclasses.replace(
        small_config, model=dataclasses.replace(small_config.model, latent_width=24)
    )
    with pytest.raises(RunError, match=r"000001-episode-000000.*config\.toml"):
        make_trainer(tmp_path, other, small_dataset)


def test_resuming_with_a_smaller_replay_buffer_says_which_checkpoint(
    tmp_path, small_config, small_dataset
):
    make_trainer(tmp_path, small_config, small_dataset, at_poll(45)).run()
    other = dataclasses.replace(
        small_config, replay=dataclasses.replace(small_config.replay, max_episodes=6)
    )
    with pytest.raises(RunError, match=r"config\.toml"):
        make_trainer(tmp_path, other, small_dataset)


def test_a_gumbel_root_trains_on_its_improved_policy(tmp_path, small_config, small_dataset):
    config = dataclasses.replace(
        small_config, search=dataclasses.replace(small_config.search, root="gumbel")
    )
    trainer = make_trainer(tmp_path, config, small_dataset)
    assert trainer.run()
    policy = everything(trainer)["replay.policy"][: config.train.episodes]
    shares = policy * config.search.num_simulations_collect
    assert (np.abs(shares - shares.round()) > 1e-3).any()
    np.testing.assert_allclose(policy.sum(axis=-1), 1.0, rtol=1e-5)


def test_the_temperature_falls_linearly_and_stays(small_config):
    collect = dataclasses.replace(
        small_config.collect,
        initial_temperature=10.0,
        final_temperature=1.0,
        temperature_decay_episodes=90,
    )
    np.testing.assert_allclose(
        temperature(collect, np.array([0, 45, 90, 1000])), [10.0, 5.5, 1.0, 1.0]
    )


@pytest.fixture
def ahead_config(small_config):
    """Two rounds between validations, the second of which is played while the first is learned."""
    train = dataclasses.replace(
        small_config.train, episodes=16, validate_interval=8, checkpoint_interval=8
    )
    collect = dataclasses.replace(small_config.collect, ahead=True)
    return dataclasses.replace(small_config, train=train, collect=collect)


@pytest.fixture
def played_ahead(tmp_path_factory, ahead_config):
    """A run of `ahead_config`, made once."""
    return ran_through(ahead_config, tmp_path_factory.getbasetemp() / "played-ahead")


def test_rounds_played_ahead_have_the_weights_of_when_they_were_begun(played_ahead):
    rounds = [(e["episodes"], e["weights_steps"]) for e in events(played_ahead, "collected")]
    # After a validation or checkpoint a round begins with all that was learned until then.
    assert rounds == [(4, 0), (8, 0), (12, 8), (16, 8)]


def test_a_batch_gathered_ahead_is_that_of_its_step_alone(tmp_path, ahead_config, small_dataset):
    trainer = make_trainer(tmp_path / "run", ahead_config, small_dataset)
    state = trainer.state
    trainer._collect()

    def batches(*steps):
        found = []
        for state.counters.steps in steps:
            found.append(state.next_batch())
        return found

    expected = batches(0, 1)
    for steps in ((0, 1), (1,), (0,)):
        state.counters.steps = 0
        state.gather_ahead()
        for step, batch in zip(steps, batches(*steps), strict=True):
            for field in dataclasses.fields(batch):
                here, there = (getattr(one, field.name) for one in (batch, expected[step]))
                np.testing.assert_array_equal(here, there, field.name)
    trainer.phase.close()


@pytest.mark.slow
@pytest.mark.parametrize("delayed", cases(1, ["learning", "playing"]))
def test_timing_changes_nothing_of_a_run_that_plays_ahead(
    tmp_path, ahead_config, small_dataset, played_ahead, monkeypatch, delayed
):
    kind, name = {"learning": (Learner, "step"), "playing": (Collector, "play_round")}[delayed]
    original = getattr(kind, name)

    def slow(*arguments):
        time.sleep(0.03)
        return original(*arguments)

    monkeypatch.setattr(kind, name, slow)
    trainer = make_trainer(tmp_path / delayed, ahead_config, small_dataset)
    assert trainer.run()
    assert_same_run(everything(trainer), everything(played_ahead))


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2])
def test_a_run_that_plays_ahead_is_the_same_on_any_number_of_cores(
    tmp_path, ahead_config, small_dataset, played_ahead, monkeypatch, cores
):
    monkeypatch.setattr(resumable_state, "performance_cores", lambda: cores)
    trainer = make_trainer(tmp_path / f"{cores}", ahead_config, small_dataset)
    assert trainer.run()
    assert_same_run(everything(trainer), everything(played_ahead))


@pytest.mark.slow
@pytest.mark.parametrize("poll", cases(2, [9, 20, 3, 11, 13, 16, 30]))
def test_a_run_that_plays_ahead_is_the_same_if_it_is_stopped(
    tmp_path, ahead_config, small_dataset, played_ahead, poll
):
    path = tmp_path / "stopped"
    assert not make_trainer(path, ahead_config, small_dataset, at_poll(poll)).run()
    resumed = make_trainer(path, ahead_config, small_dataset)
    assert resumed.run()
    assert_same_run(everything(resumed), everything(played_ahead))


def test_what_plays_ahead_is_over_before_a_stopped_run_is(
    tmp_path, ahead_config, small_dataset, monkeypatch
):
    trainer = make_trainer(tmp_path / "stopped", ahead_config, small_dataset)
    monkeypatch.setattr(trainer, "stop", lambda: trainer.counters.steps == 2)
    before = set(threading.enumerate())
    assert not trainer.run()
    assert trainer.counters.steps == 0, "it returned to where the round was begun"
    assert not set(threading.enumerate()) - before
