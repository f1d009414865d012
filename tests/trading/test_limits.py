"""Limits of time and size: what they forbid, and that accounts keep them whatever they ask for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.local_times import DailySpan, SessionBar, parse_limit_time
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingCore
from mlx_muzero.trading.limits import (
    FREE,
    MUST_BE_FLAT,
    NO_ENTRIES,
    NO_LIMITS,
    Limits,
    RootStates,
    permits,
)
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS
from mlx_muzero.trading.rules import TradingRules

RULES = TradingRules(reward="mark_to_market")
TABLES = {"fx": FX_ACTIONS, "targets": TARGET_ACTIONS}


def minute_of(text: str) -> int:
    """Minute since 1970 at which the bar opens that closes at a UTC time."""
    return int(np.datetime64(text, "m").astype(np.int64)) - 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("16:00 Europe/London", DailySpan(960, 1440, "Europe/London")),
        ("16:55-17:05 America/New_York", DailySpan(1015, 1025, "America/New_York")),
        ("22:00-02:30 UTC", DailySpan(1320, 150, "UTC")),
        ("00:00 UTC", DailySpan(0, 1440, "UTC")),
        ("bar 240", SessionBar(240)),
    ],
)
def test_times_are_read_as_they_are_written(text, wanted):
    assert parse_limit_time(text) == wanted
    assert str(wanted) == text


@pytest.mark.parametrize(
    "text", ["16:00", "bar", "bar -1", "25:00 UTC", "16:00 Nowhere", "16:00-16:00 UTC", "noon UTC"]
)
def test_times_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r"write|zone"):
        parse_limit_time(text)


@pytest.mark.parametrize(
    ("flat_by", "utc", "flat"),
    [
        ("16:00 Europe/London", "2024-01-10T15:59", False),
        ("16:00 Europe/London", "2024-01-10T16:00", True),
        ("16:00 Europe/London", "2024-01-10T23:59", True),
        ("16:00 Europe/London", "2024-01-11T00:00", False),
        ("16:00 Europe/London", "2024-07-10T15:00", True),
        ("22:00-02:30 UTC", "2024-01-10T02:29", True),
        ("22:00-02:30 UTC", "2024-01-10T02:30", False),
    ],
)
def test_a_decision_is_taken_when_its_bar_has_closed(flat_by, utc, flat):
    limits = Limits.of(flat_by, "", 1.0)
    (stage,) = limits.stages((1,), np.array([minute_of(utc)]), None)
    assert stage == (MUST_BE_FLAT if flat else FREE)


def test_bars_count_from_the_start_of_a_session():
    limits = Limits.of("bar 3", "bar 1", 1.0)
    stages = limits.stages((5,), None, np.arange(5))
    assert stages.tolist() == [FREE, NO_ENTRIES, NO_ENTRIES, MUST_BE_FLAT, MUST_BE_FLAT]
    assert limits.last_bar == 3
    assert limits.playable(10) == 3
    assert NO_LIMITS.playable(10) == 10


@pytest.mark.parametrize("limits", [Limits.of("bar 3", "", 1.0), Limits.of("16:00 UTC", "", 1.0)])
def test_what_limits_need_to_know_is_asked_for(limits):
    with pytest.raises(ValueError, match="needs"):
        limits.stages((2,), None, None)


def test_limits_say_what_they_forbid():
    assert NO_LIMITS.note == ""
    limits = Limits.of("16:00 Europe/London", "bar 9", 0.6)
    assert (
        limits.note == "flat from 16:00 Europe/London, no entries from bar 9, exposures 0.6 at most"
    )
    assert limits.by_bar.note == "no entries from bar 9, exposures 0.6 at most"


exposures = st.sampled_from([-1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0])


@given(exposures, exposures, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_stages_are_ever_stricter_and_going_flat_is_always_allowed(held, wanted, room):
    allowed = [
        bool(permits(stage, held, wanted, room)) for stage in (FREE, NO_ENTRIES, MUST_BE_FLAT)
    ]
    assert allowed == sorted(allowed, reverse=True)
    assert allowed[MUST_BE_FLAT] == (wanted == 0.0)
    if allowed[NO_ENTRIES]:
        assert abs(wanted) <= abs(held)
        assert held * wanted >= 0.0
    if allowed[FREE]:
        assert abs(wanted) <= max(room, abs(held))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("entries", [0, 2])
@given(data=st.data())
def test_accounts_keep_the_limits_whatever_they_ask_for(table, entries, data):
    """They hold nothing when they must be flat, and grow only when and as far as they may."""
    limits = Limits(SessionBar(6), SessionBar(3), 0.6)
    rules = replace(RULES, table=TABLES[table], limits=limits, max_entries=entries)
    actions = len(rules.table.action_names)
    core = TradingCore(rules, 1)
    core.reset(np.array([100.0]), np.zeros(1, np.int64))
    for bar in range(8):
        held = float(core.exposure[0])
        stage = limits.stages((1,), None, np.array([bar]))
        action = data.draw(st.integers(0, actions - 1))
        allowed = bool(rules.allowed[stage[0], core.account_state[0], action])
        refused = int(core.illegal_actions[0])
        state, equity = int(core.account_state[0]), float(core.equity_pips[0])
        core.execute(np.array([action], np.int32), np.array([100.0]), np.array([bar]), stage=stage)
        now = float(core.exposure[0])
        assert core.illegal_actions[0] == refused + (not allowed)
        assert core.account_state[0] == rules.taken[stage[0], state, action]
        assert permits(int(stage[0]), held, now, limits.max_exposure)
        if not allowed:
            assert now == (0.0 if stage == MUST_BE_FLAT else held)
            assert core.equity_pips[0] == equity  # FX pays on entry, so leaving is free
    trades = core.ledger.trades()
    assert not core.exposure.any()
    assert (trades.exit_bar[trades.forced] >= 6).all()


def test_a_close_by_force_pays_for_its_fill():
    rules = replace(
        RULES,
        table=TARGET_ACTIONS,
        costs=replace(RULES.costs, round_trip_pips=0.0, fill_bps=2.0),
        pip_size=0.0,
        limits=Limits.of("bar 1", "", 1.0),
    )
    core, price = TradingCore(rules, 1), np.array([100.0])
    core.reset(price, np.zeros(1, np.int64))
    core.execute(np.array([3], np.int32), price, np.zeros(1, np.int64), stage=np.array([FREE]))
    done = core.execute(
        np.array([3], np.int32), price, np.ones(1, np.int64), stage=np.array([MUST_BE_FLAT])
    )
    assert done.cost_pips[0] == pytest.approx(2.0)
    assert core.ledger.trades().forced.tolist() == [True]
    assert core.equity_pips[0] == pytest.approx(-4.0)


@pytest.mark.parametrize("table", TABLES)
def test_root_states_allow_what_the_limits_do_and_lead_to_account_states(table):
    states = AccountStates(TABLES[table], 2)
    limits = Limits.of("16:00 UTC", "15:00 UTC", 0.6)
    roots = RootStates(states, limits)
    allowed = limits.allowed(states)
    account = np.arange(states.count, dtype=np.int32)
    for stage in (FREE, NO_ENTRIES, MUST_BE_FLAT):
        rows = roots.of(account, np.full(states.count, stage))
        np.testing.assert_array_equal(roots.legal[rows], allowed[stage])
        after = roots.next_state[rows]
        np.testing.assert_array_equal(after[allowed[stage]], states.next_state[allowed[stage]])
    unlimited = RootStates(states, NO_LIMITS)
    np.testing.assert_array_equal(unlimited.next_state, states.next_state)
    np.testing.assert_array_equal(unlimited.of(account, np.zeros(states.count, int)), account)


@given(st.integers(0, 10**7), st.sampled_from(["16:00 Europe/London", "21:30-01:00 UTC"]))
def test_stages_do_not_depend_on_what_is_asked_for_beside(minute, flat_by):
    limits = Limits.of(flat_by, "", 1.0)
    minutes = minute + np.arange(6).reshape(2, 3)
    together = limits.stages((2, 3), minutes, None)
    for row in range(2):
        for column in range(3):
            (alone,) = limits.stages((1,), minutes[row, column][None], None)
            assert alone == together[row, column]
