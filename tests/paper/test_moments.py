"""What plans are told beside observations: quotes and settlements, exact again after a restart."""

from dataclasses import replace

import numpy as np
import pytest

from markets import MINUTE_NS, MONDAY_NS, quoted_bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.settings import PaperSettings, fills_of, override
from mlx_muzero.trading.positions import ACTION_TABLES, FX_ACTIONS
from paper_sessions import CONFIG, WARM_BARS, DicePlanner, play, settings
from tests.paper.test_crypto import CONFIG as CRYPTO_CONFIG
from tests.paper.test_crypto import MARKET, PAIRS, bars_of, series_of


class MomentPlanner(DicePlanner):
    """Decides by what it is told beside the observation, too."""

    def __init__(self, table):
        super().__init__(table)
        self.told = []

    def plan(self, observation, position, seed, simulations, moment):
        if simulations > 2:
            self.told.append(moment)
        known = [k for k in (moment.spread, moment.funding_rate) if k is not None]
        shift = np.nan_to_num(np.stack(known)).sum(axis=0).astype(np.float32)
        observation = observation + shift[:, None, None]
        return super().plan(observation, position, seed, simulations, moment)


def played_twice(path, paper, table, bars, **options):
    """A session that ends halfway and goes on; and what all its plans were told."""
    told = []
    for part in ([each.slice(0, len(each) - 15) for each in bars], bars):
        planner = MomentPlanner(table)
        played = play(path, paper, planner, bars=part, **options)
        told += planner.told
    return played, told


def exact(played, paper, config, table, series=None):
    with PaperStore(played.folder.store_path, read_only=True) as store:
        found = check_parity(store, paper, config, MomentPlanner(table), series)
    assert found.trades.recorded > 5
    return found.exact


@pytest.mark.parametrize("at_close", [True, False])
def test_the_spread_at_the_close(tmp_path, at_close):
    """Where a store has the asks of opens alone, nobody knows it, and plans say so."""
    paper = settings(("USDJPY", "EURJPY"), "fills.cost=quotes")
    bars = [quoted_bars(WARM_BARS + 40, seed, pair) for seed, pair in enumerate(paper.pairs)]
    if not at_close:
        unknown = np.full(len(bars[0]), np.nan)
        bars = [replace(each, extras=each.extras | {"close_ask": unknown}) for each in bars]
    played, told = played_twice(tmp_path / "run", paper, FX_ACTIONS, bars)
    for moment in told:
        (row,) = np.flatnonzero(bars[0].open_time_ns == moment.minute[0] * MINUTE_NS)
        spreads = {each.extras["close_ask"][row] - each.close[row] for each in bars}
        if at_close:
            assert set(moment.spread.tolist()) <= spreads
        else:
            assert np.isnan(moment.spread).all()
        assert moment.funding_rate is None
    assert exact(played, paper, CONFIG, FX_ACTIONS)


def test_the_last_settlement(tmp_path):
    paper = PaperSettings(
        pairs={pair: pair for pair in PAIRS}, fills=fills_of(CRYPTO_CONFIG.trading)
    )
    paper = override(
        paper,
        ["session.simulations=8", "timing.deadline_ms=59000", "fills.funding_at=every 1 h"],
    )
    bars = [bars_of(pair, seed) for seed, pair in enumerate(PAIRS)]
    series = {pair: series_of(pair, seed) for seed, pair in enumerate(PAIRS)}
    table = ACTION_TABLES["targets"]
    options = {
        "config": CRYPTO_CONFIG,
        "series": series,
        "begin_ns": MONDAY_NS + minutes_before(MARKET) * MINUTE_NS,
    }
    played, told = played_twice(tmp_path / "run", paper, table, bars, **options)
    histories = [PairHistory(each, series[each.symbol]) for each in bars]
    dataset = MarketDataset.of_pairs(histories, MARKET)
    for moment in told:
        if len(moment.minute) == len(PAIRS):
            rows = np.flatnonzero(dataset.open_time_ns == moment.minute[0] * MINUTE_NS)
            np.testing.assert_array_equal(moment.funding_rate, dataset.last_settlements[rows])
            assert np.isfinite(moment.funding_rate).all()
        assert moment.spread is None
    assert exact(played, paper, CRYPTO_CONFIG, table, series)
