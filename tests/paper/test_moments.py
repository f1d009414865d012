"""What plans are told beside observations: quotes and funding, exact again after a restart."""

from dataclasses import replace

import numpy as np
import pytest

from examples import cases
from live_sessions import START_NS, journaled, trade
from markets import MINUTE_NS, MONDAY_NS, quoted_bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory, load_history
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.market.series import FUNDING_ANNOUNCED, FUNDING_RATE, TAKER_BUY_SHARE
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.report.recorded_pair import recorded_pairs
from mlx_muzero.paper.retraining.gathering import gather
from mlx_muzero.paper.settings import PaperSettings, fills_of, override
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.costs import BASIS_POINT
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


@pytest.mark.slow
@pytest.mark.parametrize("at_close", cases(1, [True, False]))
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


@pytest.mark.slow
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
            np.testing.assert_array_equal(moment.funding_rate, dataset.expected_funding[rows])
            assert np.isfinite(moment.funding_rate).all()
        assert moment.spread is None
    assert exact(played, paper, CRYPTO_CONFIG, table, series)


@pytest.fixture(scope="module")
def announced(tmp_path_factory):
    """A live session that plans with what its venue announces, and goes on after a pause."""
    path, told = tmp_path_factory.mktemp("announced") / "run", []
    for start_ns in (START_NS, START_NS + 50 * MINUTE_NS):
        played = trade(
            path,
            40,
            pairs=PAIRS,
            config=CRYPTO_CONFIG,
            start_ns=start_ns,
            series=(FUNDING_RATE, FUNDING_ANNOUNCED, TAKER_BUY_SHARE),
            changes=("fills.funding_at=every 1 h",),
            make_planner=MomentPlanner,
        )
        told += played.planner.told
    return played, told


def recorded(played):
    """Datasets of nothing but what the session recorded, as a backtest would read it."""
    with PaperStore(played.folder.store_path, read_only=True) as store:
        pairs = recorded_pairs(store, played.folder.settings(), CRYPTO_CONFIG)
    return {symbol: pair.dataset for symbol, pair in pairs.items()}


def test_what_a_venue_announces_is_planned_with_from_when_it_was_heard(announced):
    played, told = announced
    datasets = recorded(played)
    assert len(told) > 60
    for moment in told:
        opened = moment.minute[0] * MINUTE_NS
        rates = [
            float(each.expected_funding[np.searchsorted(each.open_time_ns, opened)])
            for each in datasets.values()
        ]
        assert set(moment.funding_rate.tolist()) <= set(rates)
    for symbol, dataset in datasets.items():
        traded = dataset.open_time_ns + MINUTE_NS > START_NS
        assert np.isnan(dataset.funding_announced[~traded]).all()
        assert np.isfinite(dataset.funding_announced[traded]).mean() > 0.6
        heard = [
            row for row in played.points
            if (row["pair"], row["series"]) == (symbol, FUNDING_ANNOUNCED)
        ]  # fmt: skip
        assert len({row["event_ns"] for row in heard}) > 4
        assert all(START_NS < row["known_ns"] < row["event_ns"] for row in heard)
        assert len(heard) > 2 * len({row["event_ns"] for row in heard})


def test_a_replay_of_it_is_exact(announced):
    played, _ = announced
    assert exact(played, played.folder.settings(), CRYPTO_CONFIG, ACTION_TABLES["targets"])


def test_a_store_that_gathers_what_it_heard_tells_a_backtest_the_same(announced, tmp_path):
    played, _ = announced
    with BarStore(tmp_path / "before.duckdb") as before:
        for seed, pair in enumerate(PAIRS):
            before.write(bars_of(pair, seed))
    target, until_ns = tmp_path / "joined.duckdb", played.session.last_close_ns
    market = replace(MARKET, symbols=tuple(map(Symbol, PAIRS)))
    with PaperStore(played.folder.store_path, read_only=True) as heard:
        gather(heard, before.path, market, until_ns, target, lambda _text: None)
    with BarStore(target, read_only=True) as joined:
        histories = [load_history(joined, pair, market) for pair in PAIRS]
    dataset = MarketDataset.of_pairs(histories, market)
    for symbol, own in recorded(played).items():
        bars = dataset.bars_of(symbol)
        rows = np.isin(dataset.open_time_ns[bars], own.open_time_ns)
        gathered = dataset.funding_announced[bars][rows]
        np.testing.assert_array_equal(gathered, own.funding_announced)


def test_each_minute_tells_the_rate_that_is_planned_with_and_where_it_comes_from(announced):
    played, _ = announced
    told = [row for event in journaled(played, "minute") for row in event["pairs"].values()]
    assert {row["funding_from"] for row in told if "funding_from" in row} >= {"announced"}
    expected = [each.expected_funding / BASIS_POINT for each in recorded(played).values()]
    planned = {row["funding_bps"] for row in told if "funding_bps" in row}
    assert planned <= set(np.concatenate(expected).tolist())
