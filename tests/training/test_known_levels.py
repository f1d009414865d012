"""What is known to be earned on a market is told of planted ones, under the rules they are for."""

from dataclasses import replace

import pytest

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.experiment.loading import known_levels
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.training_journal import TrainingJournal
from mlx_muzero.watch.run import WatchedRun


@pytest.fixture
def levels_of(tmp_path):
    def made(make, line=None, rules=rules_of):
        bars, truth = make(1, 4, round_trip_cost_pips=4.0, session_bars=12)
        with BarStore(tmp_path / "bars.duckdb") as store:
            store.write_synthetic(bars, truth | {"line_pips_per_session": line})
        config = replace(FX_MICRO, market=replace(FX_MICRO.market, symbol=bars.symbol))
        dataset = dataset_of(bars, truth)
        return known_levels(config, tmp_path / "bars.duckdb", dataset, rules(truth)), truth

    return made


def test_a_planted_market_tells_its_optimum_and_the_line(levels_of):
    levels, truth = levels_of(planted_edge, line=1.5)
    assert levels == {"optimum": truth["expected_pips_per_session"], "line": 1.5}
    assert set(levels_of(planted_edge)[0]) == {"optimum"}


def test_nothing_is_told_of_other_markets_or_other_rules(levels_of):
    assert levels_of(random_walk)[0] == {}
    dearer = lambda truth: rules_of(truth | {"round_trip_cost_pips": 9.0})  # noqa: E731
    assert levels_of(planted_edge, rules=dearer)[0] == {}


def test_a_watcher_reads_what_the_journal_tells(tmp_path):
    (tmp_path / "config.toml").touch()
    folder = RunFolder(tmp_path)
    journal = TrainingJournal(folder.journal_path, FX_MICRO, rules=None)
    journal.levels({"optimum": 19.5, "line": 11.2})
    run = WatchedRun(tmp_path)
    run.poll()
    assert run.state.levels == {"optimum": 19.5, "line": 11.2}
