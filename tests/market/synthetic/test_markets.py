"""Synthetic bars are possible FX bars, and truths are reproducible JSON."""

import json
from typing import get_args

import numpy as np
import pytest

from mlx_muzero.market.quality import GapKind, classify_gaps
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.markets import make_market, planted_nonlinear, random_walk
from mlx_muzero.market.synthetic.planted_optimum import solve
from mlx_muzero.market.synthetic.synthetic_bars import (
    FIRST_WEEK_NS,
    bars_from_changes,
    day_profile,
    fx_calendar,
    sigma_pips,
    week_opens,
)
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS


@pytest.mark.parametrize("kind", get_args(MarketKind))
def test_bars_are_possible_and_reproducible(kind):
    # The bars know nothing of sessions; the truth of short ones is solved in a tenth of the time.
    pairs, truth = make_market(kind, 5, 12, session_bars=18, hole_frac=0.01)
    solve.cache_clear()
    again, same_truth = make_market(kind, 5, 12, session_bars=18, hole_frac=0.01)
    others, _ = make_market(kind, 6, 12, session_bars=18, hole_frac=0.01)
    for bars, same, other in zip(pairs, again, others, strict=True):
        np.testing.assert_array_equal(bars.close, same.close)
        assert len(other) != len(bars) or (other.close != bars.close).any()
        assert (np.diff(bars.open_time_ns) >= MINUTE_NS).all()
        assert (bars.high >= np.maximum(bars.open, bars.close)).all()
        assert (bars.low <= np.minimum(bars.open, bars.close)).all()
        assert bars.low.min() > 0
        np.testing.assert_array_equal(bars.open[1:], bars.close[:-1])
    assert truth == same_truth
    assert json.loads(json.dumps(truth)) == truth


def test_the_week_is_new_yorks_in_winter_and_summer():
    times = fx_calendar(250, FIRST_WEEK_NS, 0.0, np.random.default_rng(0))
    gaps = classify_gaps(times, "fx")
    assert [gap.open_minutes for gap in gaps] == [0] * 49
    assert {gap.kind for gap in gaps} <= {GapKind.WEEKEND, GapKind.HOLIDAY}
    opened = {str(np.datetime64(gap.end_ns, "ns"))[10:16] for gap in gaps}
    assert opened == {"T21:00", "T22:00"}
    np.testing.assert_array_equal(week_opens(6, FIRST_WEEK_NS), times[[0, 7200]])


def test_the_week_is_sunday_to_friday_17_new_york():
    times = fx_calendar(10, FIRST_WEEK_NS, 0.0, np.random.default_rng(0))
    assert len(times) == 10 * 1440
    assert times[0] == FIRST_WEEK_NS
    gaps = np.diff(times)
    assert (gaps[gaps > MINUTE_NS] == 2 * DAY_NS + MINUTE_NS).all()
    after = times[np.flatnonzero(gaps > MINUTE_NS) + 1]
    assert str(np.datetime64(int(after[0]), "ns"))[:16] == "2024-01-14T22:00"
    # A start one minute into the week waits for the next one.
    late = fx_calendar(1, FIRST_WEEK_NS + MINUTE_NS, 0.0, np.random.default_rng(0))
    assert late[0] == FIRST_WEEK_NS + 7 * DAY_NS
    with pytest.raises(ValueError, match="days"):
        fx_calendar(0, 0, 0.0, np.random.default_rng(0))


def test_changes_have_the_volatility_of_their_hour():
    bars, _ = random_walk(1, 500)
    change = np.diff(bars.close) / 0.01
    sigma = sigma_pips(bars.open_time_ns[1:], 1.8)
    assert np.std(change / sigma) == pytest.approx(1, abs=0.01)
    hour = bars.open_time_ns[1:] // HOUR_NS % 24
    for h in (4, 14, 21):
        assert change[hour == h].std() == pytest.approx(sigma[hour == h].mean(), rel=0.05)
    assert day_profile().mean() == pytest.approx(1)
    assert 0.4 < day_profile().min() < 0.6
    assert 1.6 < day_profile().max() < 1.9


def test_highs_are_extremes_of_a_brownian_path():
    bars, _ = random_walk(2, 200, pip_size=0.0001)
    sigma = sigma_pips(bars.open_time_ns, 1.8) * 0.0001
    # E[max of a Brownian motion on [0, 1] - start] = sqrt(2 / pi).
    for reach in (bars.high - bars.open, bars.open - bars.low):
        assert np.mean(reach / sigma) == pytest.approx(np.sqrt(2 / np.pi), rel=0.01)


@pytest.mark.parametrize(("drift", "start", "end"), [(-2.0, 250, 50), (-0.5, 150, 100)])
def test_a_long_fall_starts_higher_instead_of_going_below_50(drift, start, end):
    times = fx_calendar(7, FIRST_WEEK_NS, 0.0, np.random.default_rng(0))[:10_000]
    change = np.full(10_000, drift)
    bars = bars_from_changes("FALL", times, change, np.ones(10_000), 0.01, np.random.default_rng(0))
    assert (bars.open[0], bars.close[-1]) == pytest.approx((start, end))
    np.testing.assert_allclose(np.diff(bars.close), drift * 0.01)


def test_truths_say_what_they_hold_for():
    _, walk = random_walk(3, 1, round_trip_cost_pips=2.0)
    assert (walk["best_policy"], walk["expected_pips_per_session"]) == ("flat", 0.0)
    _, edge = planted_edge(3, 1, session_bars=60)
    assert edge["session_bars"] == 60
    assert len(edge["expected_pips_by_start_hour"]) == 24
    assert 0 < edge["precision_pips"] < 0.05
    _, nonlinear = planted_nonlinear(3, 1, session_bars=60)
    assert len(nonlinear["expected_pips_by_start_hour"]) == 24
    assert 0 < nonlinear["precision_pips"] < 1e-6
    with pytest.raises(ValueError, match="kind"):
        make_market("bull", 0, 1)
