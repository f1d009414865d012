"""A paper session replayed from Python."""

import asyncio
from dataclasses import replace

import pytest

import mlx_muzero as mm
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.bar_store import BarStore

pytestmark = pytest.mark.filterwarnings("ignore::mlx_muzero.api.notes.MuZeroWarning")


@pytest.fixture(scope="module")
def run(small_config, db_once, tmp_path_factory):
    config = replace(small_config, train=replace(small_config.train, episodes=4))
    folder = tmp_path_factory.mktemp("runs") / "run"
    mm.train(config, folder, store=db_once)
    return folder


def minutes(db, first, end):
    with BarStore(db, read_only=True) as store:
        opens = store.load("TEST").open_time_ns
    return {"first_utc": utc_text(int(opens[first])), "end_utc": utc_text(int(opens[end]))}


def test_a_session_is_replayed_and_reported(run, db_once, tmp_path):
    span = minutes(db_once, 300, 330)
    with pytest.warns(mm.MuZeroWarning, match="TEST: a round trip costs 4 pips"):
        found = mm.replay_paper(run, tmp_path / "paper", store=db_once, **span)
    assert found.ended
    assert found.report.minutes >= 29
    again = mm.replay_paper(run, tmp_path / "paper", store=db_once, **span)
    assert again.report.metrics == found.report.metrics
    pytest.importorskip("pandas")
    assert {"agent", "buy_and_hold"} <= set(found.to_frame()["policy"])
    with pytest.raises(mm.MuZeroError, match="another --simulations"):
        mm.replay_paper(run, tmp_path / "paper", store=db_once, simulations=99, **span)


def test_it_is_replayed_where_an_event_loop_runs_already(run, db_once, tmp_path):
    async def cell():
        span = minutes(db_once, 300, 310)
        return mm.replay_paper(run, tmp_path / "paper", store=db_once, **span)

    assert asyncio.run(cell()).ended
