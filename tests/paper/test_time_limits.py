"""A paper session at limits by time: planned with, kept whatever is planned, and read strictly."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlx_muzero.config.presets import FX_FACTORED, FX_MICRO
from mlx_muzero.errors import ConfigError
from mlx_muzero.paper.beginning import rules_in_force
from mlx_muzero.paper.risk import allowed_exposure
from mlx_muzero.paper.settings import PaperSettings, RiskSettings, override, risk_of
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.limits import FREE, MUST_BE_FLAT, NO_ENTRIES, NO_LIMITS, Limits
from mlx_muzero.trading.positions import ACTION_TABLES
from mlx_muzero.trading.rules import TradingRules
from tests.helpers.paper_sessions import BEGIN_NS, ScriptedPlanner, market, play, settings


def clock(minutes: int) -> str:
    """UTC time of day so many minutes after trading begins."""
    return datetime.fromtimestamp((BEGIN_NS + minutes * MINUTE_NS) / 1e9, UTC).strftime("%H:%M UTC")


class Told(ScriptedPlanner):
    """Remembers the minutes that it was told."""

    def __init__(self, actions):
        super().__init__(actions)
        self.minutes = []

    def plan(self, observation, position, seed, simulations, moment):
        self.minutes.append(int(moment.minute[0]))
        return super().plan(observation, position, seed, simulations, moment)


def exposures(played):
    return [fill["exposure"] for fill in played.fills]


def test_positions_are_closed_by_the_time_they_must_be(tmp_path):
    """The planner would hold and enter again; the session does not let it."""
    paper = settings(("USDJPY",), f"risk.flat_by={clock(5)}")
    script = Told(["BUY", *["HOLD"] * 8, *["BUY"] * 10])
    played = play(tmp_path / "run", paper, script, bars=[market("USDJPY")])
    assert exposures(played) == [1.0, 0.0]
    closing = played.fills[1]
    assert closing["fill_ns"] == BEGIN_NS + 5 * MINUTE_NS
    decided = {row["close_ns"]: row["limited_by"] for row in played.decisions}
    assert decided[BEGIN_NS + 5 * MINUTE_NS] == "flat_by"
    assert decided[BEGIN_NS + 4 * MINUTE_NS] is None
    closes = sorted(decided)
    assert sorted(set(script.minutes)) == [close // MINUTE_NS - 1 for close in closes]


def test_no_position_is_entered_when_none_may_be_but_one_may_be_left(tmp_path):
    paper = settings(("USDJPY",), f"risk.no_entries={clock(3)}")
    script = ScriptedPlanner(["BUY", "HOLD", "HOLD", "HOLD", "CLOSE", "SELL", "SELL", "SELL"])
    played = play(tmp_path / "run", paper, script, bars=[market("USDJPY")])
    assert exposures(played) == [1.0, 0.0]
    assert "no_entries" in [row["limited_by"] for row in played.decisions]


def test_an_order_that_would_enter_too_late_is_canceled(tmp_path):
    """It waits for the bar of a slow venue until the time by which all must be flat."""
    paper = settings(
        ("USDJPY",), f"risk.flat_by={clock(2)}", "fills.latency_ms=180000", "fills.valid_minutes=30"
    )
    played = play(tmp_path / "run", paper, ScriptedPlanner(["BUY"] * 9), bars=[market("USDJPY")])
    assert played.fills == []
    (ended, *_) = played.order_ends
    assert ended["end"] == "order_canceled"
    assert ended["reason"].startswith("flat_by")


@pytest.mark.parametrize("table", ["fx", "targets"])
def test_stages_and_modes_agree_on_what_they_allow(table):
    actions = ACTION_TABLES[table]
    for held in actions.exposures:
        for wanted in actions.exposures:
            asked = (actions, float(held), float(wanted))
            by_stage = [
                allowed_exposure(*asked, "trading", RiskSettings(), 0.0, stage=stage)[0]
                for stage in (FREE, NO_ENTRIES, MUST_BE_FLAT)
            ]
            by_mode = [
                allowed_exposure(*asked, mode, RiskSettings(), 0.0)[0]
                for mode in ("trading", "entries_stopped", "flattening")
            ]
            assert by_stage == by_mode


def test_the_agent_plans_with_the_limits_of_the_session():
    rules = TradingRules.from_config(FX_FACTORED)
    paper = override(
        PaperSettings(pairs={"USDJPY": "USDJPY"}),
        ["risk.flat_by=16:00 Europe/London", "risk.max_pair_exposure=0.5"],
    )
    assert rules_in_force(rules, paper, FX_FACTORED.market).limits == Limits.of(
        "16:00 Europe/London", "", 0.5
    )


def test_a_session_begins_with_the_limits_of_the_training():
    assert risk_of(FX_MICRO) == RiskSettings()
    assert RiskSettings().limits == NO_LIMITS
    trading = replace(FX_MICRO.trading, flat_by="16:00 Europe/London", max_exposure=0.5)
    assert risk_of(replace(FX_MICRO, trading=trading)).limits == Limits.of(
        "16:00 Europe/London", "", 0.5
    )


@pytest.mark.parametrize(
    ("start", "bars", "closed"),
    [
        ("08:00 Asia/Tokyo", 1260, "05:00-08:00 Asia/Tokyo"),
        ("09:30 America/New_York", 390, "16:00-09:30 America/New_York"),
        ("00:00 UTC", 600, "10:00 UTC"),
        ("08:00 Asia/Tokyo", 1440, ""),
        ("08:00 Asia/Tokyo", 2880, ""),
        ("", 360, ""),
    ],
)
def test_days_that_a_training_played_in_part_are_traded_in_part(start, bars, closed):
    """What was never learned of is not traded: hours after a day session, before the next."""
    market = replace(FX_MICRO.market, session_start=start, session_bars=bars)
    assert risk_of(replace(FX_MICRO, market=market)).flat_by == closed


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("risk.flat_by=bar 240", "has not: write a local time"),
        ("risk.no_entries=4 pm", "16:55-17:05 America/New_York"),
        ("risk.flat_by=16:00 Nowhere", "not a time zone"),
    ],
)
def test_limits_that_no_session_can_keep_are_refused(key, said):
    with pytest.raises(ConfigError, match=said):
        override(PaperSettings(pairs={"USDJPY": "USDJPY"}), [key])
