"""The days a paper session is counted in: trading days of currency pairs, UTC days of all else."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.calendar import fx_days, fx_weekends
from mlx_muzero.paper.report.daily_returns import daily_returns
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.paper.report.session_trades import SessionTrades, TradedPair
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.untrusted.json_values import in_unit
from muzero_cli.display.comparison import results_table

SUNDAY = utc_ns("2024-02-04 22:00")  # 17:00 New York
NOTIONAL = 10_000.0  # a basis point is 1


def open_minutes(first_ns, last_ns):
    """Ends of the minutes of the FX week between two times."""
    closes = np.arange(first_ns + MINUTE_NS, last_ns + 1, MINUTE_NS)
    closed = fx_weekends(first_ns, last_ns).closed_ns(closes - MINUTE_NS, closes)
    return closes[closed == 0]


def played(close_ns, made_of_day, pairs=("USDJPY",), fx_week=True):
    """A session always in the market from its second minute on, sold at its last one."""
    day = np.unique((close_ns - MINUTE_NS - SUNDAY) // DAY_NS, return_inverse=True)[1]
    made = np.asarray(made_of_day, np.float64)
    profit = np.concatenate([[0.0], np.cumsum(made)])[day] + made[day] / 2
    profit[np.flatnonzero(np.diff(day, append=day[-1] + 1))] = np.cumsum(made)
    bars = len(close_ns) - 1
    traded = [TradedPair(pair, TradingRules(FX_ACTIONS), 1.0, bars) for pair in pairs]
    net = made.sum() / len(pairs)
    closed = [
        {"pair": pair, "exposure": 1.0, "entry_ns": close_ns[0], "exit_ns": close_ns[-1],
         "entry_bar": 0, "exit_bar": bars, "entry_price": 1.0, "exit_price": 1.0,
         "gross": net, "cost": 0.0, "funding": 0.0, "net": net}
        for pair in pairs
    ]  # fmt: skip
    trades = SessionTrades.of_rows(closed, pairs)
    counts = np.bincount([1], minlength=len(FX_ACTIONS.action_names))
    return Performance(traded, trades, close_ns, profit, counts, NOTIONAL, fx_week)


def test_returns_have_the_date_on_which_a_trading_day_ends():
    close_ns = open_minutes(SUNDAY, SUNDAY + 12 * DAY_NS)
    made = [30.0, -10.0, 25.0, 5.0, -20.0, 40.0, 15.0, -5.0, 10.0, 20.0]
    columns = daily_returns({"the agent": played(close_ns, made, ("USDJPY", "EURJPY"))})
    days = [5, 6, 7, 8, 9, 12, 13, 14, 15, 16]
    assert columns["date"].astype("datetime64[D]").astype(str).tolist() == [
        f"2024-02-{day:02}" for day in days
    ]
    np.testing.assert_allclose(columns["the agent"], np.array(made) / 1e4 / 2)


def test_two_weeks_of_a_currency_pair_are_ten_trading_days():
    close_ns = open_minutes(SUNDAY, SUNDAY + 12 * DAY_NS)
    made = [30.0, -10.0, 25.0, 5.0, -20.0, 40.0, 15.0, -5.0, 10.0, 20.0]
    found = played(close_ns, made)
    m = found.metrics()
    assert (m.sessions, found.whole_days) == (10, 10)
    assert m.sharpe == pytest.approx(np.mean(made) / np.std(made, ddof=1) * np.sqrt(260))
    assert m.net_pips_per_session == pytest.approx(np.mean(made))
    assert m.exposure_frac == 1.0


def test_a_coin_trades_every_day_of_the_two_weeks():
    first = utc_ns("2024-02-05")
    close_ns = np.arange(first + MINUTE_NS, first + 14 * DAY_NS + 1, MINUTE_NS)
    found = played(close_ns, [1.0] * 15, ("BTCUSDT", "USDJPY"), fx_week=False)
    m = found.metrics()
    assert (m.sessions, found.whole_days, m.sharpe_sessions_per_year) == (14, 14, 365)
    assert m.exposure_frac == 1.0


@pytest.mark.parametrize(("hours", "whole"), [(1, 0), (30, 1), (46, 1), (47, 2), (48, 2)])
def test_below_two_whole_days_there_are_no_ratios_of_a_year(hours, whole):
    close_ns = open_minutes(SUNDAY + HOUR_NS // 2, SUNDAY + hours * HOUR_NS)
    found = played(close_ns, [12.0, 10.0, 11.0][: 1 + (hours > 24)])
    m = found.metrics()
    assert found.whole_days == whole
    ratios = (m.sharpe, m.sortino, m.calmar)
    assert all(ratio is None for ratio in ratios) == (whole < 2)
    facts = json.loads(json.dumps(in_unit(m.as_dict(), "bps"), allow_nan=False))
    assert (facts["sharpe"] is None) == (whole < 2)
    assert "net_bps_per_session" in facts
    assert not any("pips" in key for key in facts)
    assert (list(results_table({"a": m}, "bps/day").columns[-1].cells) == ["-"]) == (whole < 2)


def test_a_holiday_is_no_trading_day_unless_something_was_marked():
    first, last = utc_ns("2023-12-21 22:00"), utc_ns("2023-12-28 22:00")
    open_ = open_minutes(first, last)
    shut = (open_ > utc_ns("2023-12-22 22:00")) & (open_ <= utc_ns("2023-12-26 23:00"))
    assert len(played(open_[~shut], [1.0] * 3).days_ns) == 3
    assert len(played(open_, [1.0] * 5).days_ns) == 5


def test_what_is_marked_beside_the_week_is_not_lost():
    """A feed that ends late on Friday, and a session of a weekend alone."""
    friday = utc_ns("2024-02-09 22:00")
    late = np.append(open_minutes(SUNDAY, friday), friday + np.arange(1, 4) * MINUTE_NS)
    m = played(late, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).metrics()
    assert (m.sessions, m.net_pips) == (5, pytest.approx(21.0))
    saturday = utc_ns("2024-02-10 12:00") + np.arange(1, 100) * MINUTE_NS
    assert played(saturday, [0.0]).metrics().sessions == 1


@examples(50)
@given(st.integers(0, 40 * 365), st.integers(1, 400))
def test_trading_days_cover_the_open_week_and_nothing_else(day, length):
    first, last = day * DAY_NS, (day + length) * DAY_NS
    start = fx_days(first, last)
    assert (np.diff(start) >= DAY_NS).all()
    closed = fx_weekends(first, last).closed_ns(start, start + DAY_NS)
    assert (closed == 0).all()
    inside = np.minimum(start + DAY_NS, last) - np.maximum(start, first)
    span = np.array([first]), np.array([last])
    assert inside.sum() == last - first - fx_weekends(first, last).closed_ns(*span)[0]
