"""The supervised phases: learned without search, judged by predictions, handed on and resumed."""

import dataclasses

import numpy as np
import pytest
from mlx.utils import tree_flatten

from examples import cases
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.networks.model import DECODER
from mlx_muzero.runlog import journal
from mlx_muzero.trading.returns import discounted_returns
from mlx_muzero.training.checkpoint import load_weights
from mlx_muzero.training.models import build_model, load_model, starting_weights
from mlx_muzero.training.phases.behaviors import BEHAVIORS
from mlx_muzero.training.phases.search import BackgroundSearchPhase, SearchPhase
from mlx_muzero.training.phases.value import ValuePhase
from mlx_muzero.training.phases.world_model import WorldModelPhase
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.targets import make_batch
from runs import Heard, assert_same_run, at_poll, everything, make_trainer, ran_through


def of_phase(config: Config, phase: str) -> Config:
    train = dataclasses.replace(config.train, phase=phase, supervised_episodes=8, episodes=4)
    return dataclasses.replace(config, train=train)


@pytest.fixture
def whole(tmp_path_factory, small_config):
    """A run of every phase, made once."""
    return ran_through(of_phase(small_config, "all"), tmp_path_factory.getbasetemp() / "phases")


def events(trainer, kind):
    return [e for e in journal.read(trainer.folder.journal_path) if e["event"] == kind]


@pytest.mark.parametrize(
    ("name", "collect", "kind"),
    [
        ("world-model", "same", WorldModelPhase),
        ("value", "same", ValuePhase),
        ("search", "same", SearchPhase),
        ("search", "coreml-sim", BackgroundSearchPhase),
    ],
)
def test_a_phase_is_built_by_its_name(
    tmp_path, small_config, small_dataset, monkeypatch, name, collect, kind
):
    monkeypatch.setattr("mlx_muzero.training.refresher._require_engine", lambda _backend: None)
    played_by = dataclasses.replace(small_config.collect, backend=collect)
    config = dataclasses.replace(of_phase(small_config, name), collect=played_by)
    trainer = make_trainer(tmp_path, config, small_dataset)
    assert type(trainer.phase) is kind
    assert trainer.counters.phase == name
    trainer.phase.close()


def test_all_runs_the_phases_in_order(whole):
    assert [e["phase"] for e in events(whole, "phase")] == ["world-model", "value", "search"]
    assert [e["phase"] for e in events(whole, "assessed")] == ["world-model"] * 2 + ["value"] * 2
    assert len(events(whole, "validated")) == 1
    backends = [e["backend"] for e in events(whole, "collected")]
    assert backends == ["scripted"] * 4 + ["native"]


@pytest.mark.slow
def test_each_phase_begins_with_the_best_weights_of_the_one_before_and_learns_its_own_losses(
    tmp_path, small_config, small_dataset
):
    config = of_phase(small_config, "all")
    seen, learned = {}, {}

    class Watching(Heard):
        def phase_begun(self, counters, episodes):
            super().phase_begun(counters, episodes)
            seen[counters.phase] = trainer.state.learner.playing_weights()
            best = trainer.folder.checkpoints.best()
            seen[f"best before {counters.phase}"] = load_weights(best) if best else None

        def learned(self, report, counters):
            learned[counters.phase] = set(report.losses)

    trainer = make_trainer(tmp_path, config, small_dataset, listener=Watching())
    assert trainer.run()
    for phase in ("value", "search"):
        for name, array in seen[f"best before {phase}"].items():
            np.testing.assert_array_equal(np.array(array), np.array(seen[phase][name]), name)
    market = {"reward", "outcome", "consistency"}
    assert learned["world-model"] == market | {"next_bar"}
    assert learned["value"] == market | {"next_bar", "value", "afterstate"}
    assert learned["search"] == market | {"policy", "value", "afterstate"}


@pytest.mark.parametrize("poll", cases(1, [95, 61]))
def test_stopped_in_any_phase_and_resumed_is_the_same_run(
    tmp_path, small_config, small_dataset, whole, poll
):
    config = of_phase(small_config, "all")
    for _ in range(30):
        trainer = make_trainer(tmp_path / "often", config, small_dataset, at_poll(poll))
        if trainer.run():
            break
    assert events(trainer, "stopped")
    assert_same_run(everything(trainer), everything(whole))


def test_a_world_model_is_judged_against_what_needs_no_model(whole):
    report = events(whole, "assessed")[0]["report"]
    assert len(report["steps"]) == whole.config.train.num_unroll_steps
    assert report["outcome"]["base_rate_cross_entropy"] == pytest.approx(np.log(3), abs=0.2)
    counts = [part["count"] for part in report["outcome"]["calibration"]]
    assert sum(counts) == 3 * report["unrollings"]
    hour = report["columns"]["hour_cos_final"]
    assert hour["last_value"] < hour["mean"]


def test_a_new_decoder_is_the_last_value_predictor(tmp_path, small_config, small_dataset):
    trainer = make_trainer(tmp_path, of_phase(small_config, "world-model"), small_dataset)
    trainer.player.take(trainer.state.learner.playing_weights())
    report = trainer.phase.assess(lambda _: None)
    for errors in report.columns.values():
        assert errors.model == errors.last_value


@pytest.mark.slow
def test_a_world_model_learns_what_can_be_learned(tmp_path, small_config, small_dataset):
    """What a random walk does next is not among it; what a position then earns is."""
    train = dataclasses.replace(
        small_config.train,
        phase="world-model",
        supervised_episodes=16,
        steps_per_episode=5.0,
        batch_size=32,
        learning_rate=0.01,
        validate_interval=16,
    )
    model = dataclasses.replace(small_config.model, dropout=0.0)
    config = dataclasses.replace(small_config, train=train, model=model)
    trainer = make_trainer(tmp_path, config, small_dataset)
    assert trainer.run()
    report = events(trainer, "assessed")[0]["report"]
    assert report["steps"][0]["reward_mse"] < 0.7 * report["reward_variance"]


def test_scripted_values_are_the_returns_that_follow(tmp_path, small_config, small_dataset):
    trainer = make_trainer(tmp_path, of_phase(small_config, "value"), small_dataset, at_poll(40))
    trainer.run()
    episodes, discount = trainer.state.replay.episodes, small_config.search.discount
    slot, step = np.array([0, 1, 2]), np.array([0, 5, 11])
    batch = make_batch(
        episodes, slot, step, small_dataset, unroll_steps=1, td_steps=3, discount=discount
    )
    for row, (s, t) in enumerate(zip(slot, step, strict=True)):
        rewards = episodes.reward[s, t:]
        expected = (rewards * discount ** np.arange(len(rewards))).sum()
        assert batch.value[row, 0] == pytest.approx(expected, abs=1e-4)


def test_discounted_returns_end_with_the_last_reward():
    reward = np.array([[1.0, 2.0, 4.0]], np.float32)
    np.testing.assert_allclose(discounted_returns(reward, 0.5), [[3.0, 4.0, 4.0]])


def test_an_episode_does_not_depend_on_the_round_it_is_played_in(
    tmp_path, small_config, small_dataset
):
    trainer = make_trainer(tmp_path, of_phase(small_config, "world-model"), small_dataset)
    collector = trainer.phase._collector
    together = collector.play_round(0, 8, lambda _: None).episodes
    alone = [collector.play_round(e, 1, lambda _: None).episodes for e in range(8)]
    for name, array in together.arrays().items():
        np.testing.assert_array_equal(array, np.concatenate([getattr(e, name) for e in alone]))
    assert len(np.unique(together.action)) == 4
    assert len(BEHAVIORS) <= 8


def test_a_run_begins_from_another_whatever_its_phase(tmp_path, small_config, whole, small_dataset):
    config = of_phase(small_config, "search")
    weights, origin = starting_weights(whole.folder, config, whole.rules.table)
    path = tmp_path / "next"
    trainer = make_trainer(path, config, small_dataset)
    trainer.begin_from(weights, origin)
    assert not any(name.startswith(DECODER) for name in trainer.state.learner.playing_weights())
    resumed = make_trainer(path, config, small_dataset)
    for name, array in resumed.state.learner.playing_weights().items():
        np.testing.assert_array_equal(np.array(array), np.array(weights[name]), name)
    assert events(resumed, "begun_from")[0]["checkpoint"] == origin


def test_other_networks_are_no_beginning(small_config, whole):
    model = dataclasses.replace(small_config.model, latent_width=24)
    config = dataclasses.replace(small_config, model=model)
    with pytest.raises(RunError, match="does not fit"):
        starting_weights(whole.folder, config, whole.rules.table)


def test_the_decoder_counts_for_no_parameter_and_is_loaded_with_its_run(small_config, whole):
    config, table = of_phase(small_config, "all"), whole.rules.table
    searched = build_model(small_config, table)
    assert build_model(config, table).num_parameters() == searched.num_parameters()
    loaded, _ = load_model(RunFolder(whole.folder.path), table, "best")
    assert any(name.startswith(DECODER) for name, _ in tree_flatten(loaded.parameters()))


def test_a_phase_left_out_of_the_configuration_is_named(tmp_path, small_config, small_dataset):
    make_trainer(tmp_path, of_phase(small_config, "value"), small_dataset, at_poll(5)).run()
    with pytest.raises(RunError, match=r"value phase, which train\.phase leaves out"):
        make_trainer(tmp_path, of_phase(small_config, "search"), small_dataset)


@pytest.mark.slow
def test_train_and_evaluate_all_phases(cli, config_file, db):
    code, _, err = cli(
        "train", "--run", "run", "--config", config_file, "--db", db, "--phase", "all",
        "--set", "train.supervised_episodes=4", "--set", "train.episodes=4",
    )  # fmt: skip
    assert code == 0, err
    assert "world-model phase: 4 episodes" in err
    assert "probability" in err
    assert "decile" in err
    code, _, err = cli("evaluate", "run", "--split", "test", "--sessions", "3", "--db", db)
    assert code == 0, err
    code, _, err = cli(
        "train", "--run", "two", "--config", config_file, "--db", db, "--from", "run",
        "--set", "train.episodes=4",
    )  # fmt: skip
    assert code == 0, err
