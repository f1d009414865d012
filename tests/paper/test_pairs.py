"""Commands to one pair: closed, left out, traded again; the others go on as if nothing was."""

import pytest

from mlx_muzero.paper.mode import Mode
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.runlog import journal
from paper_sessions import (
    CONFIG,
    WARM_BARS,
    Commanding,
    DicePlanner,
    ScriptedPlanner,
    markets,
    play,
    settings,
)

PAIRS = ("USDJPY", "EURJPY")


def played_with(path, *commands, planner=None):
    """A session of two pairs that gets commands a few bars apart."""
    at = {WARM_BARS + 5 * (1 + i): command for i, command in enumerate(commands)}
    feed = Commanding(markets(PAIRS), path, at)
    played = play(path, settings(PAIRS), planner or ScriptedPlanner(["BUY"]), feed=feed)
    return played, feed.answers


def of_pair(rows, pair="USDJPY"):
    return [row for row in rows if row["pair"] == pair]


def last_minute(played):
    *_, minute = (e for e in journal.read(played.folder.journal_path) if e["event"] == "minute")
    return minute


def test_a_closed_pair_is_flat_and_stays_out_while_the_other_trades_on(tmp_path):
    played, answers = played_with(
        tmp_path / "run", "close USDJPY", planner=ScriptedPlanner(["BUY"])
    )
    assert answers == [
        "USDJPY: its position of +1 is closed at its next bar's open; then it is not planned or "
        "traded until `include`."
    ]
    assert [fill["exposure"] for fill in of_pair(played.fills)] == [1.0, 0.0]
    assert [fill["exposure"] for fill in of_pair(played.fills, "EURJPY")] == [1.0]
    assert len(of_pair(played.decisions)) < len(of_pair(played.decisions, "EURJPY"))
    row = last_minute(played)["pairs"]["USDJPY"]
    assert (row["state"], row["why"]) == ("excluded", "close USDJPY was commanded")
    assert last_minute(played)["mode"] == "trading"


def test_an_excluded_pair_keeps_its_position_and_is_marked(tmp_path):
    played, (answer,) = played_with(tmp_path / "run", "exclude USD_JPY")
    assert "its position of +1 stays open and is marked until `close`" in answer
    assert [fill["exposure"] for fill in of_pair(played.fills)] == [1.0]
    row = last_minute(played)["pairs"]["USDJPY"]
    assert (row["state"], row["exposure"]) == ("excluded", 1.0)
    marks = {e["pairs"]["USDJPY"]["unrealized"] for e in minutes(played)[-10:]}
    assert len(marks) > 5
    assert last_minute(played)["equity"] == pytest.approx(played.session.equity)


def test_a_pair_is_found_in_whatever_spelling_its_session_was_begun(tmp_path):
    """0.1.0 kept the names of a replay as they were written."""
    feed = Commanding(markets(["my.bars"]), tmp_path / "run", {WARM_BARS + 10: "exclude My.Bars"})
    play(tmp_path / "run", settings(["my.bars"]), ScriptedPlanner(["BUY"]), feed=feed)
    (answer,) = feed.answers
    assert answer.startswith("my.bars: its position of +1 stays open")


def minutes(played):
    return [e for e in journal.read(played.folder.journal_path) if e["event"] == "minute"]


def test_an_included_pair_is_traded_again(tmp_path):
    script = ["BUY", *["HOLD"] * 15, *["BUY"] * 40]
    played, answers = played_with(
        tmp_path / "run", "close USDJPY", "include USDJPY", planner=ScriptedPlanner(script)
    )
    assert answers[1] == "USDJPY is planned and traded again from its next bar."
    assert [fill["exposure"] for fill in of_pair(played.fills)] == [1.0, 0.0, 1.0]
    assert last_minute(played)["pairs"]["USDJPY"]["state"] == "trading"


def test_what_is_no_pair_or_cannot_be_is_refused_and_the_session_goes_on(tmp_path):
    played, answers = played_with(
        tmp_path / "run", "exclude GBPJPY", "include EURJPY", "close ../..", "halt", "close USDJPY"
    )
    said = [answer.partition("refused: ")[2] for answer in answers]
    assert said[0] == "GBPJPY is not one of the session's pairs: USDJPY, EURJPY"
    assert said[1] == "EURJPY is not excluded"
    assert said[2].startswith("'../..'")
    assert said[4] == "nothing is traded while the session is halted: `resume` or `flatten` first"
    assert [e["name"] for e in commands(played)] == ["halt"]
    assert not played.session.mode.excluded


def commands(played):
    return [e for e in journal.read(played.folder.journal_path) if e["event"] == "command"]


@pytest.mark.slow
def test_an_exclusion_outlives_its_process_and_resume(tmp_path):
    path = tmp_path / "run"
    half = [bars.slice(0, WARM_BARS + 15) for bars in markets(PAIRS)]
    feed = Commanding(half, path, {WARM_BARS + 10: "exclude USDJPY"})
    play(path, settings(PAIRS), ScriptedPlanner(["BUY"]), feed=feed)
    played = play(path, planner=ScriptedPlanner([]), feed=Commanding(markets(PAIRS), path, {}))
    assert last_minute(played)["pairs"]["USDJPY"]["state"] == "excluded"
    with PaperStore(path / "store.duckdb", read_only=True) as store:
        (row,) = store.table("commands")
    assert (row["name"], row["pair"]) == ("exclude", "USDJPY")


def test_flatten_closes_excluded_pairs_too_and_also_after_a_halt(tmp_path):
    played, _ = played_with(tmp_path / "run", "exclude USDJPY", "halt", "flatten", "resume")
    assert [fill["exposure"] for fill in of_pair(played.fills)] == [1.0, 0.0]
    assert [fill["exposure"] for fill in of_pair(played.fills, "EURJPY")] == [1.0, 0.0]
    row = last_minute(played)["pairs"]["USDJPY"]
    assert row["state"] == "excluded", "resume lifts stops, not exclusions"


@pytest.mark.slow
def test_parity_holds_with_pairs_that_were_left_out(tmp_path):
    played, _ = played_with(
        tmp_path / "run",
        *("exclude USDJPY", "close EURJPY", "include USDJPY", "include EURJPY"),
        planner=DicePlanner(),
    )
    assert len(commands(played)) == 4
    with PaperStore(played.folder.store_path, read_only=True) as store:
        found = check_parity(store, played.folder.settings(), CONFIG, DicePlanner())
    assert found.exact, found
    assert found.decisions.recorded > 40


def test_a_closing_pair_that_is_excluded_goes_on_closing():
    mode = Mode()
    mode.exclude("USDJPY", "close was commanded", closing=True)
    mode.exclude("USDJPY", "exclude was commanded")
    assert mode.closes("USDJPY")
    assert not mode.closes("EURJPY")
    again = Mode()
    again.restore(mode.state())
    assert again.state() == mode.state()
    mode.command("resume")
    assert "USDJPY" in mode.excluded
    old = mode.state()
    del old["excluded"]
    again.restore(old)
    assert not again.excluded


def test_stop_ends_the_session(tmp_path):
    played, _ = played_with(tmp_path / "run", "stop")
    *_, last = journal.read(played.folder.journal_path)
    assert (last["event"], last["reason"]) == (
        "stopped",
        "asked to stop; positions stay as they are",
    )
    assert len(minutes(played)) < WARM_BARS + 20
