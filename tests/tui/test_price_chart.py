"""The chart of a pair: it fits, marks what happened, and moves with the moment shown."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.market.observation.outcome_cone import ConeBar
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.watch.price_bars import PriceBar, bar_of, joined
from muzero_tui.app import MuZeroApp
from muzero_tui.candle_text import draw_chart
from muzero_tui.candles import LABEL, Chart, Fill, frame_of, shown_bars
from muzero_tui.formats import clock, price
from muzero_tui.paint import Paint
from muzero_tui.screens.live_panels import Health, Market
from muzero_tui.screens.tree import DecisionTable
from muzero_tui.screens.tree_panels import DecisionChart
from muzero_tui.widgets.price_chart import _title
from muzero_tui.widgets.search_tree import SearchTree
from paper_journals import PAIRS, Session
from training_journals import training_run
from tui_pilots import app_of, drive, press

PAINT = Paint("good", "warning", "bad", "accent", "curve", "other")
PRICES = st.floats(-1e300, 1e300) | st.floats(0.01, 1e5)


def bar(minute, *prices, traded=True):
    return PriceBar(
        minute * MINUTE_NS, prices[0], max(prices), min(prices), prices[-1], True, traded
    )


def drawn(chart, width=60, height=12, spacing=1):
    first, stop = shown_bars(len(chart.bars), width, spacing, len(chart.ahead), 0)
    assert stop == len(chart.bars)
    chart = Chart(chart.bars[first:], chart.fills, chart.entry, chart.ahead, chart.pip)
    frame = frame_of(chart, width, height, spacing)
    return draw_chart(chart, frame, PAINT, price, clock).plain.split("\n")


@given(
    st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES), min_size=1, max_size=90),
    st.integers(30, 120), st.integers(4, 40), st.sampled_from([1, 2, 3]), st.integers(0, 3),
)  # fmt: skip
@examples(40)
def test_it_is_as_large_as_its_place(prices, width, height, spacing, ahead):
    bars = [bar(minute, *four) for minute, four in enumerate(prices)]
    cone = [ConeBar(1.0, 2.0 * (step + 1), 1.0) for step in range(ahead)]
    fills = [Fill(minute * MINUTE_NS, bool(minute % 2), True) for minute in range(0, len(bars), 5)]
    lines = drawn(Chart(bars, fills, prices[0][0], cone, 1e-4), width, height, spacing)
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}


def test_rising_and_falling_candles_differ_without_color():
    rising, falling = (
        "".join(drawn(Chart([bar(1, *four)])))
        for four in ((1.0, 0.5, 2.5, 2.0), (2.0, 0.5, 2.5, 1.0))
    )
    assert "┃" in rising
    assert "█" not in rising
    assert "█" in falling


def test_fills_are_marked_at_their_bars_and_others_nowhere():
    bars = [bar(minute, 10.0, 9.0, 11.0, 10.0) for minute in range(1, 21)]
    at_ns = bars[6].close_ns
    fills = [Fill(at_ns, True, True), Fill(at_ns - 40 * MINUTE_NS, False, True)]
    lines = drawn(Chart(bars, fills))
    [row] = [line for line in lines if "▲" in line]
    assert row.index("▲") == len(row) - len(bars) + 7
    assert "▼" not in "".join(lines)


def test_minutes_without_entries_are_marked_below():
    bars = [bar(minute, 1.0, 2.0, traded=minute < 5) for minute in range(1, 9)]
    assert drawn(Chart(bars))[-2].count("■") == 4


def test_a_cone_widens_to_the_right_behind_its_line():
    bars = [bar(minute, 10.0, 9.0, 11.0, 10.0) for minute in range(1, 30)]
    cone = [ConeBar(0.0, 1.0, 1.0), ConeBar(0.0, 3.0, 1.0)]
    lines = drawn(Chart(bars, ahead=cone, pip=1.0))
    now = lines[0].index("┊")
    heights = [sum(line[column] in "░▒━" for line in lines) for column in range(now + 1, 60)]
    assert heights == sorted(heights)
    assert heights[-1] > heights[0]
    assert lines[-1].endswith("+2")


def test_bars_are_made_of_closes_where_the_journal_tells_no_more():
    row = {"bar_close_ns": 2 * MINUTE_NS, "close": 3.0}
    before = bar(1, 1.0, 2.0)
    made = bar_of(row, before, traded=True)
    assert made == PriceBar(2 * MINUTE_NS, 2.0, 3.0, 2.0, 3.0, False, True)
    told = bar_of(row | {"open": 1.0, "high": 4.0, "low": 0.5}, before, traded=True)
    assert told == PriceBar(2 * MINUTE_NS, 1.0, 4.0, 0.5, 3.0, True, True)
    assert bar_of({"close": 1.0}, before, traded=True) is None


def test_joined_bars_end_at_multiples_and_keep_extremes():
    bars = [bar(minute, 1.0 * minute, minute + 0.5) for minute in range(1, 12)]
    five = joined(bars, 5)
    assert [each.close_ns // MINUTE_NS for each in five] == [5, 10, 15]
    assert (five[0].open, five[0].high, five[0].low, five[0].close) == (1.0, 5.5, 1.0, 5.5)


@pytest.mark.slow
def test_it_shows_the_pair_under_the_cursor_and_the_moment_shown(session):
    async def script(pilot):
        market = pilot.app.screen.query_one(Market)
        first = market.shown_pair, market.render().plain
        assert "┊" in first[1]  # the last minute's decision has a cone
        await press(pilot, "down")
        assert market.shown_pair == session.pairs[1]
        assert market.render().plain != first[1]
        await press(pilot, "up", "semicolon", "semicolon")
        past = market.render().plain
        assert past.split("\n")[-1] != first[1].split("\n")[-1]
        return first[0]

    assert drive(app_of(session), script) == session.pairs[0]


def test_its_title_tells_the_funding_that_is_planned_with():
    def title(**row):
        chart = Chart([bar(1, 1.0, 2.0), bar(2, 2.0, 1.0)], [], None, (), 1e-4)
        state = SimpleNamespace(unit="bps")
        return _title("BTC/USDT", state, {"close": 1.0, **row}, chart, 1, 100, PAINT).plain

    told = title(funding_bps=2.0, funding_from="announced")
    assert told.endswith("flat  funding +2.0 bps announced")
    assert "funding" not in title()


@pytest.mark.parametrize(
    ("keys", "has"),
    [(["plus"] * 3, LABEL), pytest.param(["minus"] * 5, LABEL, marks=pytest.mark.slow)],
)
def test_it_zooms_and_moves_within_its_bounds(session, keys, has):
    async def script(pilot):
        market = pilot.app.screen.query_one(Market)
        market.focus()
        await press(pilot, *keys, "left", "left", "right", "right", "right")
        return market.render().plain.split("\n")

    lines = drive(app_of(session), script)
    assert all(len(line) > has for line in lines)


@pytest.mark.slow
def test_beside_a_tree_are_the_bars_until_its_decision(session):
    async def script(pilot):
        await press(pilot, "4")
        chart = pilot.app.screen.query_one(DecisionChart)
        ends = []
        for _ in range(2):
            lines = chart.render().plain.split("\n")
            assert any("┊" in line for line in lines)
            ends.append(lines[-1].split()[1])
            await press(pilot, "n")
        return chart.display, ends

    shown, (last, older) = drive(app_of(session), script, size=(200, 60))
    assert shown
    assert older < last


@pytest.mark.parametrize(
    ("columns", "in_place"), [(120, True), pytest.param(200, False, marks=pytest.mark.slow)]
)
def test_without_room_beside_it_the_chart_takes_the_trees_place(session, columns, in_place):
    async def script(pilot):
        await press(pilot, "4")
        seen = []
        for key in ("g", "g"):
            await press(pilot, key)
            screen = pilot.app.screen
            shown = [screen.query_one(kind).display for kind in (SearchTree, DecisionChart)]
            seen.append((*shown, screen.focused is screen.query_one(DecisionChart)))
        return seen

    beside, instead, back = (True, True, False), (False, True, True), (True, False, False)
    expected = [instead, back] if in_place else [beside, beside]
    assert drive(app_of(session), script, size=(columns, 36)) == expected


@pytest.mark.slow
def test_a_decision_whose_bars_are_not_read_says_so(tmp_path):
    session = Session(tmp_path / "runs" / "paper", PAIRS[:1])
    for minute in range(240):
        session.minute()
        if minute == 20:
            session.decide()

    async def script(pilot):
        seen = []
        for back in (0, 8):
            await press(pilot, "4", *["semicolon"] * back)
            seen.append(pilot.app.screen.query_one(DecisionChart).render().plain)
        return seen

    unread, read = drive(app_of(session), script, size=(200, 60))
    assert "go back" in unread
    assert "┤" in read


@pytest.mark.slow
def test_the_tree_is_that_of_the_moment_shown(session):
    def shown(pilot):
        table = pilot.app.screen.query_one(DecisionTable)
        return table.copied().splitlines()[1:], pilot.app.screen.query_one(DecisionChart).decision

    async def script(pilot):
        await press(pilot, "4")
        now = shown(pilot)
        await press(pilot, "n", "semicolon")  # four minutes back
        past = shown(pilot)
        await press(pilot, *["semicolon"] * 5)
        none = shown(pilot)
        await press(pilot, "l")
        assert shown(pilot) == now
        return now, past, none, pilot.app.watched.state.minute["close_ns"]

    (rows, newest), (fewer, older), none, now_ns = drive(app_of(session), script)
    assert newest.close_ns == now_ns
    assert 0 < len(fewer) < len(rows)
    assert fewer == rows[-len(fewer) :]
    assert older.close_ns == newest.close_ns - (len(rows) - len(fewer)) * MINUTE_NS
    assert none == ([], None)


@pytest.mark.slow
def test_a_training_tells_no_bars_and_has_no_chart(tmp_path):
    folder, clock = training_run(tmp_path / "edge")

    async def script(pilot):
        await press(pilot, "4")
        return pilot.app.screen.query_one(DecisionChart).display

    assert not drive(MuZeroApp(folder, clock=clock), script, size=(200, 60))


@pytest.mark.parametrize("outcome", ["failing", "works", "given up"])
def test_alerts_that_were_not_delivered_are_among_the_notices(session, outcome):
    session.note("alerts", channel="ntfy", outcome=outcome, reason="no route", count=2)

    async def script(pilot):
        return pilot.app.screen.query_one(Health).render().plain

    text = drive(app_of(session), script)
    assert "alerts to ntfy" in text
    assert ("no route" in text) == (outcome != "works")
