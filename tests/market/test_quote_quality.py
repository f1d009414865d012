"""What `data check` tells of quotes: the spread by hour, and the bars that have none."""

import dataclasses
import json

import numpy as np
import pytest

from markets import quoted_bars, walk_bars
from mlx_muzero.market.inventory import check_symbol
from mlx_muzero.market.quote_quality import check_quotes
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import HOUR_NS


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "market.duckdb"
    bars = quoted_bars(3000, symbol="USDJPY")
    with BarStore(path) as written:
        written.write(dataclasses.replace(bars, extras={}), bars.extras)
        written.write(walk_bars(200, symbol="EURUSD"))
    return path


def test_spreads_are_told_by_hour(store):
    bars = quoted_bars(3000, symbol="USDJPY")
    report = check_symbol(store, "USDJPY").spreads
    spread = bars.extras["close_ask"] - bars.close
    hour = bars.open_time_ns // HOUR_NS % 24
    assert [each.hour_utc for each in report.hours] == list(range(24))
    assert sum(each.bars for each in report.hours) == report.day.bars == 3000
    for each in report.hours:
        own = spread[hour == each.hour_utc]
        assert each.median == pytest.approx(np.median(own))
        assert each.wide == pytest.approx(np.percentile(own, 95))
    assert report.day.median_bps == pytest.approx(np.median(spread / bars.close) * 1e4)
    assert (report.unquoted_bars, report.crossed_bars, report.pip_size) == (0, 0, 0.01)


def test_bars_without_a_usable_quote_are_counted():
    bars = quoted_bars(300)
    ask = bars.extras["close_ask"].copy()
    ask[:10], ask[10:15] = np.nan, 1.0
    bars = dataclasses.replace(bars, extras={**bars.extras, "close_ask": ask})
    report = check_quotes(bars, 0.01)
    assert (report.unquoted_bars, report.crossed_bars, report.day.bars) == (10, 5, 285)
    nowhere = dataclasses.replace(bars, extras={**bars.extras, "close_ask": np.full(300, np.nan)})
    assert check_quotes(nowhere, 0.01) is None


def test_the_command_shows_them(store, cli):
    _, shown, _ = cli("data", "check", "USDJPY", "--db", store)
    assert "spread by hour (UTC)" in shown
    assert "median pips" in shown
    assert "0 bars lack an ask, 0 have one below the bid." in shown
    code, told, _ = cli("data", "check", "EURUSD", "--db", store, "--json")
    assert code == 0
    assert json.loads(told)["spreads"] is None
