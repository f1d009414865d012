import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.paper.fills import Order, fate, fill_price
from mlx_muzero.paper.mode import CONSEQUENCES, Mode
from mlx_muzero.paper.planner import SimulationBudget
from mlx_muzero.paper.risk import Losses, allowed_exposure
from mlx_muzero.paper.settings import FillSettings, RiskSettings
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.trading.positions import ACTION_TABLES

TARGETS, FX = ACTION_TABLES["targets"], ACTION_TABLES["fx"]
exposures = st.sampled_from(sorted(TARGETS.exposures))


@given(
    held=exposures,
    wanted=exposures,
    others=st.floats(0.0, 5.0),
    pair=st.floats(0.0, 1.5),
    total=st.floats(0.0, 5.0),
)
def test_no_limit_is_passed_by_growing(held, wanted, others, pair, total):
    limits = RiskSettings(max_pair_exposure=pair, max_total_exposure=total)
    target, why = allowed_exposure(TARGETS, held, wanted, "trading", limits, others)
    assert target in TARGETS.exposures
    assert (why is None) == (target == wanted)
    grows = abs(target) > abs(held) or target * held < 0.0
    assert not grows or abs(target) <= min(pair, total - others) + 1e-6
    assert abs(target) <= abs(wanted)
    assert target * wanted >= 0.0


@given(held=exposures, wanted=exposures)
def test_stopped_entries_only_let_positions_shrink(held, wanted):
    target, why = allowed_exposure(TARGETS, held, wanted, "entries_stopped", RiskSettings(), 0.0)
    assert abs(target) <= abs(held)
    assert target * held >= 0.0
    assert (why is None) == (target == wanted)


@given(held=exposures, wanted=exposures)
def test_flattening_goes_flat_and_halted_stays(held, wanted):
    limits = RiskSettings()
    assert allowed_exposure(TARGETS, held, wanted, "flattening", limits, 0.0)[0] == 0.0
    assert allowed_exposure(TARGETS, held, wanted, "halted", limits, 0.0)[0] == held


def test_a_daily_loss_counts_from_the_equity_the_day_began_with():
    losses = Losses(RiskSettings(max_daily_loss_frac=0.1, max_drawdown_frac=0.9), 1000.0)
    midnight = MONDAY_NS + DAY_NS
    assert losses.update(midnight - MINUTE_NS, 920.0) == []
    assert losses.update(midnight, 915.0) == []  # the minute that ends at midnight is yesterday's
    assert losses.day_pnl == -85.0
    assert losses.update(midnight + MINUTE_NS, 830.0) == []
    assert losses.day_start_equity == 915.0
    (breach,) = losses.update(midnight + 2 * MINUTE_NS, 820.0)
    assert breach.limit == "max_daily_loss_frac"
    assert breach.value == pytest.approx(95.0 / 915.0)
    assert breach.until_ns == MONDAY_NS + 2 * DAY_NS


def test_the_cooldown_may_outlast_the_day():
    losses = Losses(RiskSettings(max_daily_loss_frac=0.1, cooldown_minutes=60.0), 1000.0)
    close_ns = MONDAY_NS + DAY_NS - 10 * MINUTE_NS
    (breach,) = losses.update(close_ns, 850.0)
    assert breach.until_ns == close_ns + 60 * MINUTE_NS


def test_a_drawdown_counts_from_the_peak_until_resume():
    losses = Losses(RiskSettings(max_daily_loss_frac=1.0, max_drawdown_frac=0.2), 1000.0)
    assert losses.update(MONDAY_NS, 1500.0) == []
    (breach,) = losses.update(MONDAY_NS + MINUTE_NS, 1200.0)
    assert (breach.limit, breach.until_ns) == ("max_drawdown_frac", None)
    losses.rebase()
    assert losses.update(MONDAY_NS + 2 * MINUTE_NS, 1199.0) == []


def test_modes_the_strictest_holds_and_resume_lifts_all():
    mode = Mode()
    assert (mode.name, mode.reason) == ("trading", "")
    mode.stop("fault", "planning: no", until_ns=10)
    assert mode.name == "entries_stopped"
    mode.advance(9, flat=False)
    assert mode.name == "entries_stopped"
    mode.advance(10, flat=False)
    assert mode.name == "trading"
    mode.command("flatten")
    assert mode.name == "flattening"
    mode.command("halt")
    assert mode.name == "halted"
    assert "halt was commanded" in mode.reason
    mode.command("resume")
    assert mode.name == "trading"
    mode.command("flatten")
    mode.advance(11, flat=True)
    assert mode.name == "entries_stopped"
    again = Mode()
    again.restore(mode.state())
    assert again.state() == mode.state()
    assert set(CONSEQUENCES) == {"stop-entries", "flatten", "halt", "resume"}


def order(sent_ns=0, to=1.0):
    return Order(1, "USDJPY", 0, sent_ns, 1, 0.0, to)


@pytest.mark.parametrize(
    ("sent_ms", "open_minute", "expected"),
    [
        (0, 0, "filled"),
        (9_750, 0, "filled"),  # there at 10 s with the latency: just in time for the open
        (9_751, 0, "waits"),
        (9_751, 1, "filled"),
        (0, 10, "filled"),
        (0, 11, "expired"),
    ],
)
def test_an_order_gets_the_first_open_it_is_there_for(sent_ms, open_minute, expected):
    settled = fate(order(sent_ms * 1_000_000), open_minute * MINUTE_NS, FillSettings())
    assert settled == expected


def test_slippage_makes_both_sides_worse():
    settings = FillSettings(slippage_pips=2.0)
    assert fill_price(np.array([1.0]), np.array([110.0]), 0.01, settings) == pytest.approx(110.02)
    assert fill_price(np.array([-1.0]), np.array([110.0]), 0.01, settings) == pytest.approx(109.98)


def test_simulations_are_cut_when_they_are_slow_and_come_back():
    budget = SimulationBudget(50, 2, deadline_s=1.0)
    assert budget.choose(0.0) == 50
    budget.measured(50, 5.0)
    few = budget.choose(0.0)
    assert 2 <= few < 50
    assert 1.25 * few * 0.1 <= 1.0
    assert budget.choose(0.999) == 2
    assert budget.choose(2.0) == 2
    for _ in range(40):
        budget.measured(few, few * 1e-4)
    assert budget.choose(0.0) == 50


def test_there_are_few_different_numbers_of_simulations():
    budget = SimulationBudget(1000, 3, deadline_s=1.0)
    seen = set()
    for each in np.logspace(-6, 1, 500):
        budget = SimulationBudget(1000, 3, deadline_s=1.0)
        budget.measured(1, float(each))
        seen.add(budget.choose(0.0))
    assert len(seen) <= math.log2(1000) + 1
