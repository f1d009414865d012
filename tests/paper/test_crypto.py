"""Several crypto pairs of one model: target exposures, basis points, funding, three timeframes."""

from dataclasses import replace

import numpy as np
import pytest

from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.market.series import FUNDING_RATE, TAKER_BUY_SHARE, Series
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.settings import PaperSettings, fills_of, override
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.positions import ACTION_TABLES
from paper_sessions import DicePlanner, play

PAIRS = ("BTCUSDT", "ETHUSDT")
MARKET = replace(CRYPTO.market, symbols=PAIRS, timeframes=("5m",), window_bars=3)
CONFIG = replace(CRYPTO, market=MARKET)
BARS = minutes_before(MARKET) + 80


def bars_of(pair, seed):
    bars = walk_bars(BARS, seed, pair)
    volume = np.random.default_rng(seed).uniform(1.0, 9.0, BARS)
    return replace(bars, volume=volume)


def series_of(pair, seed):
    """Funding that settles every quarter of an hour, some milliseconds late; taker's share."""
    settled = MONDAY_NS + np.arange(1, BARS // 15) * 15 * MINUTE_NS + 3_000_000
    rates = np.random.default_rng(seed).normal(0.0, 1e-3, len(settled))
    minutes = MONDAY_NS + np.arange(BARS) * MINUTE_NS
    share = np.random.default_rng(seed + 9).uniform(size=BARS)
    return {
        FUNDING_RATE: Series(pair, FUNDING_RATE, settled, settled, rates),
        TAKER_BUY_SHARE: Series(pair, TAKER_BUY_SHARE, minutes, minutes + MINUTE_NS, share),
    }


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    paper = PaperSettings(pairs={pair: pair for pair in PAIRS}, fills=fills_of(CONFIG.trading))
    paper = override(
        paper,
        ["session.simulations=8", "timing.deadline_ms=59000", "risk.max_total_exposure=1.3"],
    )
    series = {pair: series_of(pair, seed) for seed, pair in enumerate(PAIRS)}
    played = play(
        tmp_path_factory.mktemp("crypto") / "run",
        paper,
        DicePlanner(ACTION_TABLES["targets"]),
        bars=[bars_of(pair, seed) for seed, pair in enumerate(PAIRS)],
        config=CONFIG,
        series=series,
        begin_ns=MONDAY_NS + minutes_before(MARKET) * MINUTE_NS,
    )
    return played, paper, series


def test_observations_are_those_of_the_batch_path(session):
    played, _, series = session
    histories = [PairHistory(bars_of(pair, seed), series[pair]) for seed, pair in enumerate(PAIRS)]
    dataset = MarketDataset.of_pairs(histories, MARKET)
    asked = played.planner.asked
    columns = dataset.windows(np.array([BARS - 1])).shape[2]
    for back, (observation, _, _) in enumerate(reversed(asked)):
        rows = np.array([BARS - 1 - back, 2 * BARS - 1 - back])
        np.testing.assert_array_equal(observation[:, :, :columns], dataset.windows(rows))
    assert len(asked) == BARS - minutes_before(MARKET)


def test_a_replay_is_exact(session):
    played, paper, series = session
    with PaperStore(played.folder.store_path, read_only=True) as store:
        planner = DicePlanner(ACTION_TABLES["targets"])
        found = check_parity(store, paper, CONFIG, planner, series)
    assert found.exact, [part.first for part in found.parts.values()]
    assert found.trades.recorded > 50
    assert any(trade["funding"] for trade in played.trades)


def test_the_ledger_is_that_of_an_account_of_units(session):
    """Cash and contracts, fill by fill, with no trade and no basis point in it."""
    played, paper, series = session
    fills, notional = played.fills, paper.account.notional
    closes = {(b["pair"], b["open_time_ns"]): b["close"] for b in played.bars}
    side_cost = (paper.fills.half_spread_pips + paper.fills.fee_pips) * 1e-4
    cash, units = paper.account.balance, dict.fromkeys(PAIRS, 0.0)
    opens = MONDAY_NS + MINUTE_NS * np.arange(BARS)
    for open_ns in opens:
        for fill in [f for f in fills if f["fill_ns"] == open_ns]:
            held, price = units[fill["pair"]], fill["price"]
            wanted = fill["exposure"] * notional / price
            cash -= (wanted - held) * price
            if np.sign(wanted) == np.sign(held):
                change = abs(abs(wanted) - abs(held))
                # What only the price made grow is given up and taken on at once, for nothing.
                cash -= change * price * side_cost
            else:
                cash -= (abs(wanted) + abs(held)) * price * side_cost
            units[fill["pair"]] = wanted
        for pair in PAIRS:
            close = closes[pair, open_ns]
            settled = series[pair][FUNDING_RATE]
            now = (settled.event_ns >= open_ns) & (settled.event_ns < open_ns + MINUTE_NS)
            cash -= units[pair] * close * settled.value[now].sum()
    worth = sum(units[pair] * closes[pair, opens[-1]] for pair in PAIRS)
    assert played.equity[-1]["equity"] == pytest.approx(cash + worth, abs=1e-8)


def test_costs_are_those_of_training():
    fills = fills_of(CONFIG.trading)
    assert fills.half_spread_pips == 0.5
    assert fills.fee_pips == 5.0
    assert fills.slippage_pips == 0.5
    assert fills.costs(0.0).fill_bps == 5.5
    assert fills.whole_costs(0.0) == Costs.from_config(CRYPTO.trading)
    assert fills.costs(0.01).round_trip_pips == 11.0


@pytest.mark.parametrize(("preset", "pip_size"), [(FX_MICRO, 0.01), (CRYPTO, 0.0)])
def test_quotes_and_fees_are_those_of_training(preset, pip_size):
    trading = replace(preset.trading, cost="quotes", taker_fee_bps=0.3)
    paid = fills_of(trading).whole_costs(pip_size)
    assert paid == Costs.from_config(trading)
    assert paid.quoted
