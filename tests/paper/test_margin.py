"""A venue's margin: what an equity carries, and the stop-out of an account that fell too far."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.paper.margin import Margin
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.risk import allowed_exposure
from mlx_muzero.paper.settings import RiskSettings
from mlx_muzero.runlog import journal
from mlx_muzero.trading.positions import ACTION_TABLES
from paper_sessions import CONFIG, WARM_BARS, ScriptedPlanner, market, play, settings

TARGETS = ACTION_TABLES["targets"]


def test_without_leverage_nothing_is_asked_for():
    margin = Margin.of(settings())
    assert margin.carried_exposure(1.0) == math.inf
    assert margin.closeout_frac(0.01, [100.0]) == 0.0
    assert margin.breaches(-5.0, [1.0]) == []


def test_a_stop_out_is_at_its_share_of_the_margin_used():
    margin = Margin(leverage=10.0, stop_out_frac=0.5, notional=1000.0)
    # Exposures of 1 and -0.5 use a margin of 150.
    assert margin.breaches(75.0, [1.0, -0.5]) == []
    (breach,) = margin.breaches(74.0, [1.0, -0.5])
    assert breach.limit == "stop_out_frac"
    assert breach.value == pytest.approx(74.0 / 150.0)
    assert breach.until_ns is None
    assert margin.breaches(74.0, []) == []
    (broke,) = margin.breaches(-1.0, [0.3])
    assert broke.value == 0.0


@given(
    equity=st.floats(-10.0, 1e4),
    held=st.sampled_from(sorted(TARGETS.exposures)),
    wanted=st.sampled_from(sorted(TARGETS.exposures)),
    others=st.floats(0.0, 3.0),
)
def test_what_grows_stays_within_the_margin(equity, held, wanted, others):
    margin = Margin(leverage=20.0, stop_out_frac=0.5, notional=1e4)
    carried = margin.carried_exposure(equity)
    target, why = allowed_exposure(
        TARGETS, held, wanted, "trading", RiskSettings(), others, carried
    )
    grows = abs(target) > abs(held) or target * held < 0.0
    assert not grows or (abs(target) + others) * 1e4 / 20.0 <= equity + 1e-3
    assert why in (None, "margin", "max_pair_exposure")


def test_a_session_is_closed_at_the_next_open_and_stays_so(tmp_path):
    bars = market("USDJPY", WARM_BARS + 30)
    # From its sixth traded bar on, the price is a tenth lower: a gap through the stop-out.
    falls = np.arange(len(bars)) >= WARM_BARS + 5
    prices = {
        name: np.where(falls, 0.9, 1.0) * getattr(bars, name)
        for name in ("open", "high", "low", "close")
    }
    paper = settings(
        ("USDJPY",),
        *("risk.leverage=20", "account.balance=600", "account.notional=5000"),
        *("risk.max_daily_loss_frac=1", "risk.max_drawdown_frac=1"),
    )
    script = ["BUY", *["HOLD"] * 8, "BUY"]
    played = play(tmp_path / "run", paper, ScriptedPlanner(script), bars=[replace(bars, **prices)])
    events = list(journal.read(tmp_path / "run" / "journal.jsonl"))
    (breach,) = (event for event in events if event["event"] == "risk")
    assert breach["limit"] == "stop_out_frac"
    # A loss of about 500 leaves 100 for a margin of 250.
    assert breach["value"] == pytest.approx(0.4, abs=0.02)
    assert [fill["exposure"] for fill in played.fills] == [1.0, 0.0]
    closed_ns = played.fills[1]["fill_ns"]
    assert closed_ns == bars.open_time_ns[WARM_BARS + 6]
    minutes = [event for event in events if event["event"] == "minute"]
    assert minutes[-1]["mode"] == "entries_stopped"
    used = [minute["risk"]["margin_closeout_frac"]["used"] for minute in minutes]
    assert max(used) == pytest.approx(0.5 / 0.4, rel=0.05)
    assert used[-1] == 0.0
    with PaperStore(played.folder.store_path, read_only=True) as store:
        assert check_parity(store, paper, CONFIG, ScriptedPlanner(script)).exact


def test_an_order_beyond_the_margin_is_not_sent(tmp_path):
    paper = settings(("USDJPY",), "risk.leverage=1", "account.balance=900")
    played = play(tmp_path / "run", paper, ScriptedPlanner(["BUY"]))
    assert not played.fills
    assert played.decisions[0]["limited_by"] == "margin"
