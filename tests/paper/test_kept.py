"""A session keeps what it was begun with: no option changes it later, all may be repeated."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from mlx_muzero.errors import ConfigError, RunError
from mlx_muzero.paper.beginning import SessionOptions, kept_settings, require_quotes
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.settings import SessionSettings
from paper_sessions import settings

BEGUN = replace(
    settings(("USDJPY", "EURJPY"), "risk.max_drawdown_frac=0.3"),
    session=SessionSettings(
        model="runs/first",
        checkpoint="000003-episode-000064",
        database="data/market.duckdb",
        replay_from="2025-05-01",
        replay_to="2025-06-01",
        simulations=8,
        speed=60.0,
    ),
)
NOTHING = SessionOptions(None, None, None, "best", None, None, None, None, None, None, ())
REPEATED = SessionOptions(
    Path("runs/first").absolute(),
    "EUR_JPY,USDJPY",
    "replay",
    "latest",
    "native",
    8,
    Path("data/market.duckdb"),
    "2025-05-01",
    "2025-06-01",
    60.0,
    ("risk.max_drawdown_frac=0.3",),
)
OTHERS = {
    "--model": {"model": Path("runs/second")},
    "--pairs": {"pairs": "USDJPY"},
    "--feed": {"feed": "oanda"},
    "--backend": {"backend": "mlx"},
    "--simulations": {"simulations": 7},
    "--db": {"database": Path("data/other.duckdb")},
    "--from": {"replay_from": "2025-05-02"},
    "--to": {"replay_to": ""},
    "--speed": {"speed": 0.0},
    "--set": {"overrides": ("account.balance=5",)},
}


@pytest.fixture
def folder(tmp_path):
    folder = PaperFolder(tmp_path)
    folder.begin(BEGUN)
    return folder


@pytest.mark.parametrize("options", [NOTHING, REPEATED, replace(NOTHING, backend="auto")])
def test_nothing_or_the_same_may_be_asked_for(folder, options):
    assert kept_settings(folder, options) == BEGUN


@pytest.mark.parametrize("option", OTHERS)
def test_nothing_else_may(folder, option):
    with pytest.raises(RunError, match=f"started with another {option}"):
        kept_settings(folder, replace(REPEATED, **OTHERS[option]))


def test_settings_of_a_build_without_a_speed_have_the_usual_one(folder):
    text = folder.mark_path.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("speed")]
    folder.mark_path.write_text("\n".join(lines))
    assert folder.settings().session.speed == 0.0
    assert kept_settings(folder, replace(NOTHING, speed=0.0)).session.speed == 0.0


def test_a_replay_goes_on_at_the_speed_it_was_begun_with(monkeypatch):
    from mlx_muzero.paper.feeds.replay import ReplayFeed
    from mlx_muzero.paper.session_setup import make_feed

    def paced(*arguments, **_):
        return arguments[4]

    monkeypatch.setattr(ReplayFeed, "from_store", paced)
    assert make_feed(BEGUN, 4) == 60.0
    unpaced = replace(BEGUN, session=replace(BEGUN.session, speed=0.0))
    assert make_feed(unpaced, 4) == math.inf


@pytest.mark.parametrize("feed", ["replay", "oanda", "ccxt:binanceusdm"])
def test_quotes_are_paid_only_where_the_feed_has_them(feed):
    paper = settings(("USDJPY",), f"session.feed={feed}")
    require_quotes(paper)
    paper = settings(("USDJPY",), f"session.feed={feed}", "fills.cost=quotes")
    if feed != "ccxt:binanceusdm":
        require_quotes(paper)
        return
    with pytest.raises(ConfigError, match=r"without bid and ask.*--set fills\.cost=fixed"):
        require_quotes(paper)
