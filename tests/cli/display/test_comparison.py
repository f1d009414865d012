"""The report reads whole in 80 columns, says what it was measured on, and is valid JSON."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from examples import examples
from mlx_muzero.evaluation.conditions import Conditions, report_dict
from mlx_muzero.evaluation.metrics import Metrics, measure
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.trading.positions import TARGET_ACTIONS
from muzero_cli.display.comparison import report
from muzero_cli.display.policy_tables import count, ratio, short, signed

CONDITIONS = Conditions(
    "USDJPY", "test", 100, 1_604, 360, 4.0, "2020-02-03 00:00", "2020-12-31 21:58"
)
LONGEST_NAME = "agent (raw network)"


def metrics(**changes) -> Metrics:
    flat = measure(
        Trades.concatenate([]),
        np.zeros((100, 360)),
        np.array([36_000, 0, 0, 0]),
        ("HOLD", "BUY", "SELL", "CLOSE"),
    )
    return replace(flat, **changes)


def printed(policies, width=80, conditions=CONDITIONS, **options):
    console = Console(width=width, **options)
    with console.capture() as capture:
        console.print(report(conditions, policies))
    return capture.get()


amounts = st.floats(-9e5, 9e5)


@examples(30)
@given(amounts, amounts, amounts, st.floats(0, 9e5), st.floats(-900, 900), st.integers(0, 900_000))
def test_nothing_is_cut_at_80_columns(net, low, high, drawdown, sharpe, trades):
    row = metrics(
        net_pips_per_session=net,
        net_pips_low=low,
        net_pips_high=high,
        expectancy_pips=net,
        win_frac=1.0,
        profit_factor=drawdown,
        max_drawdown_pips=drawdown,
        sharpe=sharpe,
        sqn=sharpe,
        trades=trades,
        exposure_frac=1.0,
        mean_bars_in_trade=360.0,
    )
    text = printed({LONGEST_NAME: row, "flat": metrics()})
    assert "…" not in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    # One line in each of the two tables, with its name whole.
    assert sum(line.startswith(LONGEST_NAME) for line in lines) == 2
    assert sum(line.startswith("flat ") for line in lines) == 2


def test_says_what_it_was_measured_on():
    text = " ".join(printed({"flat": metrics()}).split())
    for part in (
        "USDJPY, test split",
        "100 of 1,604 sessions of 360 bars, 2020-02-03 00:00 to 2020-12-31 21:58 UTC",
        "round trip 4 pips",
        "times 32.2, the root of the 1,040 sessions",
        "Targets of the FX specification for a trained agent: > 0.5 pips, win 45-55%.",
    ):
        assert part in text


def test_what_is_counted_in_basis_points_has_no_fx_targets():
    text = printed({"flat": metrics()}, conditions=replace(CONDITIONS, unit="bps"))
    assert "FX specification" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.52, "+0.52"), (-0.001, "0.00"), (-9.996, "-10.0"), (-411.2, "-411"), (-12_345, "-12k")],
)
def test_numbers_keep_three_figures(value, text):
    row = printed({"flat": metrics(net_pips_per_session=value)})
    assert f" {text} [" in row


def test_action_shares_and_alarms_are_named():
    shares = {"HOLD": 0.55, "BUY": 0.2, "SELL": 0.05, "CLOSE": 0.2}
    text = printed({"agent": metrics(action_frac=shares, alarm="notice"), "flat": metrics()})
    agent, flat = (
        next(line for line in text.splitlines()[8:] if line.startswith(name))
        for name in ("agent", "flat")
    )
    assert agent.split()[1:5] == ["55%", "20%", "5%", "20%"]
    assert agent.endswith("notice")
    assert flat.endswith("critical")


def test_color_marks_alarms_on_a_terminal_and_nothing_elsewhere():
    policies = {"flat": metrics(), "edge": metrics(net_pips_low=1.0, net_pips_high=2.0)}
    colored = printed(policies, force_terminal=True, color_system="standard")
    assert "\x1b[1;31mcritical" in colored
    assert "\x1b" not in printed(policies, width=100)


def test_seven_targets_in_basis_points_fit_in_80_columns_too():
    conditions = replace(
        CONDITIONS, round_trip_cost_pips=0.0, fill_cost_bps=6.0, unit="bps", fx_week=False
    )
    names = TARGET_ACTIONS.action_names
    row = metrics(action_frac=dict.fromkeys(names, 1.0), net_pips_per_session=-123_456.0)
    text = printed({LONGEST_NAME: row}, conditions=conditions)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith(LONGEST_NAME) for line in lines) == 3
    assert all(name in text for name in names)
    assert "pips" not in text.lower()
    for part in ("net bps/session", "6 bps of every fill.", "365 whole days", "bps per trade"):
        assert part in " ".join(text.split())
    both = replace(conditions, round_trip_cost_pips=4.0)
    assert both.costs == "round trip 4 bps and 6 bps of every fill"
    assert replace(conditions, fill_cost_bps=0.0).costs == "no costs"


def test_dict_is_valid_json():
    values = report_dict(CONDITIONS, {"edge": metrics(profit_factor=math.inf)})
    assert values["conditions"]["available_sessions"] == 1_604
    assert json.loads(json.dumps(values, allow_nan=False))["policies"]["edge"]["alarm"]


def test_json_keys_are_in_the_unit_of_the_run():
    facts = report_dict(replace(CONDITIONS, unit="bps"), {"flat": metrics()})
    assert facts["policies"]["flat"]["net_bps_per_session"] == 0.0
    assert facts["conditions"]["round_trip_cost_bps"] == 4.0
    assert "pips" not in json.dumps(facts)
    assert "bps_" not in json.dumps(report_dict(CONDITIONS, {"flat": metrics()}))


@given(
    st.floats(0.0, 9.4e99) | st.sampled_from([999.5, 9_999.5, 999_500.0, 17_278_000.0, math.inf])
)
def test_figures_keep_to_their_columns_however_large_they_are(value):
    assert len(short(value)) <= 4
    assert len(signed(-value)) <= 5
    assert len(ratio(value)) <= 4
    assert len(ratio(-value)) <= 5
    assert len(count(value)) <= 6


def test_large_figures_are_rounded_not_cut():
    shown = [short(value) for value in (9_999.6, 12_345, 999_499, 999_501, 17_278_000, 2.4e9, 4e12)]
    assert shown == ["10k", "12k", "999k", "1M", "17M", "2G", "4e12"]


def test_sessions_of_a_day_say_when_they_start():
    conditions = replace(CONDITIONS, session_start="08:00 Asia/Tokyo", session_bars=1260)
    text = " ".join(printed({"flat": metrics()}, conditions=conditions).split())
    assert "sessions of 1260 bars from 08:00 Asia/Tokyo, 2020-02-03" in text
    assert "sessions one a day, in 52 five-day weeks" in text
