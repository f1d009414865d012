"""How a candidate's bars are cut: the newest days judge."""

from dataclasses import replace

import numpy as np
import pytest

from markets import walk_bars
from mlx_muzero.errors import DataError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.paper.retraining.days import cut_for_judging
from mlx_muzero.timeunits import DAY_NS


@pytest.fixture(scope="module")
def dataset(small_config):
    return MarketDataset.from_bars(walk_bars(8 * 1440), small_config.market)


@pytest.mark.parametrize("judged", [2, 3])
def test_sessions_begin_on_as_many_of_the_newest_days_as_are_wanted(dataset, judged):
    market = cut_for_judging(dataset, judged)
    cut = replace(dataset, config=market)
    days = np.unique(cut.open_time_ns[cut.evaluation_starts("test")] // DAY_NS)
    assert len(days) == judged
    assert days[-1] == dataset.open_time_ns[-1] // DAY_NS
    before = dataset.config
    ranges = cut.ranges
    assert ranges["validation"].first_ns < ranges["test"].first_ns
    share = market.train_frac / (market.train_frac + market.validation_frac)
    assert share == pytest.approx(before.train_frac / (before.train_frac + before.validation_frac),
                                  abs=0.01)  # fmt: skip


def test_a_long_history_is_cut_as_a_configuration_can_say(dataset):
    long = replace(dataset, config=replace(dataset.config, train_frac=0.9, validation_frac=0.05))
    market = cut_for_judging(long, 2)
    assert market.train_frac <= 0.9


def test_too_few_days_are_refused(dataset):
    with pytest.raises(DataError, match=r"retrain\.judged_days"):
        cut_for_judging(dataset, 6)
