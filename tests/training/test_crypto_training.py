"""The crypto preset trains, on several pairs at once, with everything it observes."""

import dataclasses

import numpy as np
import pytest

from crypto_markets import CONFIG, history
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.runlog import decision_log, journal
from runs import assert_same_run, at_poll, everything, make_trainer

MINUTES = 2400


@pytest.fixture(scope="module")
def config(small_config):
    model = dataclasses.replace(
        small_config.model, encoder="transformer", value_min=-20.0, value_max=20.0
    )
    return dataclasses.replace(
        small_config,
        market=dataclasses.replace(CONFIG, timeframes=("5m",)),
        trading=CRYPTO.trading,
        model=model,
    )


@pytest.fixture(scope="module")
def dataset(config):
    histories = [history(pair, MINUTES, seed) for seed, pair in enumerate(config.market.pairs)]
    return MarketDataset.of_pairs(histories, config.market)


@pytest.fixture(scope="module")
def trained(config, dataset, tmp_path_factory):
    trainer = make_trainer(tmp_path_factory.mktemp("run"), config, dataset)
    assert trainer.run()
    return trainer


@pytest.mark.slow
def test_episodes_of_both_pairs_are_played_and_paid(trained, dataset):
    episodes = trained.state.replay.episodes
    held = len(trained.state.replay)
    assert set(dataset.pair[episodes.start[:held]]) == {0, 1}
    assert np.isfinite(episodes.reward[:held]).all()
    assert len(np.unique(episodes.position[:held])) == len(trained.rules.table.position_names)


def test_validation_is_journaled_with_decisions_of_both_pairs(trained):
    events = list(journal.read(trained.folder.journal_path))
    validated = [event for event in events if event["event"] == "validated"]
    assert validated
    assert sum(validated[-1]["forecast"]["realized"]) == pytest.approx(1.0)
    (day,) = decision_log.days(trained.folder.decisions_path)
    entries, _ = decision_log.index(day)
    assert {entry.pair for entry in entries} == {"AAA", "BBB"}


def test_a_resumed_run_is_the_uninterrupted_one(trained, config, dataset, tmp_path):
    stopped = make_trainer(tmp_path, config, dataset, at_poll(40))
    assert not stopped.run()
    resumed = make_trainer(tmp_path, config, dataset)
    assert resumed.run()
    assert_same_run(everything(resumed), everything(trained))
