"""The quoted spread of bars: which is charged, and how many quotes a pair needs for it."""

import dataclasses

import numpy as np
import pytest

from markets import quoted_bars, walk_bars
from mlx_muzero.errors import DataError
from mlx_muzero.experiment.loading import load_dataset
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.fx_context import HISTORY_BARS
from mlx_muzero.market.quotes import Spreads, require_quotes
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.run import MarketRecord


def with_spreads(opens, closes):
    bars = walk_bars(len(opens))
    asks = {"open_ask": bars.open + opens, "close_ask": bars.close + closes}
    return dataclasses.replace(bars, extras=asks)


def of_quotes(config):
    return dataclasses.replace(config, trading=dataclasses.replace(config.trading, cost="quotes"))


def test_an_unknown_or_crossed_spread_is_the_last_known_one():
    nan = np.nan
    bars = with_spreads([nan, 0.25, nan, -0.5, 0.125], [0.5, 0.5, nan, 1.0, nan])
    spreads = Spreads.of(bars)
    np.testing.assert_allclose(spreads.open, [0.25, 0.25, 0.25, 0.25, 0.125])
    np.testing.assert_allclose(spreads.close, [0.5, 0.5, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(spreads.quoted, [False, True, False, False, False])


def test_bars_without_asks_have_no_spreads(small_dataset):
    assert Spreads.of(walk_bars(5)) is None
    assert small_dataset.spreads is None
    with pytest.raises(ValueError, match="loaded without their quotes"):
        small_dataset.fill_spreads("close")


def test_a_fill_at_the_next_open_pays_the_spread_of_that_open(small_config):
    dataset = MarketDataset.from_bars(quoted_bars(1500), small_config.market)
    own = dataset.spreads
    np.testing.assert_array_equal(dataset.fill_spreads("close"), own.close)
    wanted = np.append(own.open[1:], own.close[-1])
    np.testing.assert_array_equal(dataset.fill_spreads("next_open"), wanted)


@pytest.mark.parametrize("unquoted", [0.05, 0.2, 1.0])
def test_too_few_quotes_are_refused_before_training_and_few_are_told(
    unquoted, tmp_path, small_config
):
    bars = quoted_bars(1500)
    gaps = np.arange(len(bars)) % 100 >= 100 * (1.0 - unquoted)
    asks = {name: np.where(gaps, np.nan, ask) for name, ask in bars.extras.items()}
    path = tmp_path / "market.duckdb"
    with BarStore(path) as store:
        store.write(dataclasses.replace(bars, extras={}), asks)
    told = []
    load_dataset(small_config, path, tell=told.append)
    assert not told
    if unquoted > 0.1:
        have = "none of its bars has" if unquoted == 1.0 else "only 80.0% of its bars have"
        with pytest.raises(DataError, match=rf'TEST .*{have} .*set trading\.cost = "fixed"'):
            load_dataset(of_quotes(small_config), path)
        return
    dataset, _ = load_dataset(of_quotes(small_config), path, tell=told.append)
    assert "75 of TEST's 1,500 bars have no quotes" in told[0]
    assert "fills that pay the spread pay the last one known" in told[0]
    assert dataset.spreads is not None


def test_other_quotes_are_another_market_only_where_they_are_paid(tmp_path, small_config):
    bars = quoted_bars(1500)
    ask = bars.extras["open_ask"].copy()
    ask[700] += 1.0
    other = dataclasses.replace(bars, extras={**bars.extras, "open_ask": ask})
    unpaid = dataclasses.replace(bars, extras={})
    one, two, none = (
        MarketRecord.of(tmp_path, MarketDataset.from_bars(each, small_config.market))
        for each in (bars, other, unpaid)
    )
    assert one.digest == two.digest == none.digest
    assert none.quotes_digest is None
    assert one.quotes_digest != two.quotes_digest


def test_enough_quotes_pass():
    require_quotes(quoted_bars(100), "market.duckdb")


def test_an_environment_needs_no_quotes_that_it_does_not_charge(small_dataset):
    env = SessionEnv(small_dataset, TradingRules(), small_dataset.training_starts()[:2])
    assert env.fill_spread is None
    assert env.close_spread is None


def test_a_note_says_where_observations_show_no_spread(tmp_path, small_config):
    bars = quoted_bars(3 * HISTORY_BARS)
    asks = {
        name: np.where(np.arange(len(bars)) % 10, ask, np.nan) for name, ask in bars.extras.items()
    }
    with BarStore(tmp_path / "market.duckdb") as store:
        store.write(dataclasses.replace(bars, extras={}), asks)
    market = dataclasses.replace(small_config.market, features="fx_context", session_bars=60)
    told = []
    config = dataclasses.replace(small_config, market=market)
    load_dataset(config, tmp_path / "market.duckdb", tell=told.append)
    assert "have no quotes, or an ask below the bid: observations show none there" in told[0]
