"""Few entries in a paper session: counted by sessions of the training's length, exactly."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.config.local_times import LocalTime
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.rules import ENTRIES_FEATURE, TradingRules
from mlx_muzero.trading.session_clock import SessionClock
from paper_sessions import BEGIN_NS, CONFIG, TABLE, WARM_BARS, DicePlanner, markets, play, settings

ENTRIES, BARS = 2, 10
FEW = replace(
    CONFIG,
    market=replace(CONFIG.market, session_bars=BARS),
    trading=replace(CONFIG.trading, max_entries=ENTRIES),
)
PAIRS = ("USDJPY", "EURJPY")


class FewPlanner(DicePlanner):
    """Plays what is legal with the entries left, and remembers the bars it was told."""

    def __init__(self):
        states = AccountStates(TABLE, ENTRIES)
        super().__init__(SimpleNamespace(action_names=TABLE.action_names, legal=states.legal))
        self.bars = []

    def plan(self, observation, position, seed, simulations, moment):
        if simulations > 2:
            self.bars.append((int(moment.minute[0]), moment.bar.tolist()))
        return super().plan(observation, position, seed, simulations, moment)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A session of some 60 minutes that was ended and went on, in the middle of one of ten."""
    path, told = tmp_path_factory.mktemp("few") / "run", []
    paper = settings(PAIRS, f"risk.max_entries={ENTRIES}")
    bars = markets(PAIRS, WARM_BARS + 60)
    for part in ([each.slice(0, WARM_BARS + 24) for each in bars], bars):
        planner = FewPlanner()
        played = play(path, paper, planner, bars=part, config=FEW)
        told += planner.bars
    return played, paper, told, planner


def test_a_session_never_has_more_entries_and_the_next_has_as_many_again(session):
    played, *_ = session
    first = min(row["close_ns"] for row in played.decisions)
    entries = {}
    for pair in PAIRS:
        held = 0.0
        for fill in [row for row in played.fills if row["pair"] == pair]:
            number = (fill["fill_ns"] - first) // MINUTE_NS // BARS
            same_side = np.sign(held) == np.sign(fill["exposure"])
            if abs(fill["exposure"]) > (abs(held) if same_side else 0.0):
                entries[pair, number] = entries.get((pair, number), 0) + 1
            held = fill["exposure"]
    assert max(entries.values()) == ENTRIES
    assert sum(count == ENTRIES for count in entries.values()) > 4


def test_plans_are_told_the_bars_and_see_the_entries_left(session):
    _, _, told, planner = session
    begun = BEGIN_NS // MINUTE_NS
    for minute, bars in told:
        assert bars == [(minute - begun) % BARS] * len(bars)
    column = TradingRules.from_config(FEW).position_features.index(ENTRIES_FEATURE)
    account = len(TradingRules.from_config(FEW).position_features)
    seen = {float(row[0, -1, column - account]) for row, _, _ in planner.asked}
    assert seen == {0.0, 0.5, 1.0}


def test_its_replay_is_exact(session):
    played, paper, *_ = session
    with PaperStore(played.folder.store_path, read_only=True) as store:
        found = check_parity(store, paper, FEW, FewPlanner())
    assert found.exact, [part.first for part in found.parts.values()]
    assert found.trades.recorded > 5


def test_sessions_follow_one_another_or_begin_with_the_day():
    first = MONDAY_NS // MINUTE_NS
    endless = SessionClock(BARS)
    assert [endless.place(first + minute, first) for minute in (0, 9, 10, 25)] == [
        (0, 0),
        (0, 9),
        (1, 0),
        (2, 5),
    ]
    daily = SessionClock(60, LocalTime.parse("08:00 Asia/Tokyo"))
    # Decided when the bar closes: at 8:00 in Tokyo, which is 23:00 UTC.
    opens = utc_ns("2019-03-04T22:59") // MINUTE_NS
    (day, bar), (next_day, next_bar) = (daily.place(opens + m, first) for m in (0, 1440))
    assert (bar, next_bar, next_day) == (0, 0, day + 1)
    assert daily.place(opens - 1, first) == (day - 1, 1439)
    assert daily.place(opens + 75, first) == (day, 75)
