"""Charts in pixels: what the terminal answers, what is drawn, and how to have characters again."""

import re
from dataclasses import replace

import pytest

from mlx_muzero.market.observation.outcome_cone import ConeBar
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.watch.price_bars import PriceBar
from muzero_tui.app import MuZeroApp
from muzero_tui.candle_pixels import draw_pixels
from muzero_tui.candles import Chart, Fill, frame_of
from muzero_tui.colors import Colors
from muzero_tui.pixels import LIBRARY, Pixels, _library, _unasked, fit_for
from muzero_tui.screens.live_panels import Market
from muzero_tui.themes import OWN
from pty_terminal import DA1, KITTYS, SIXEL, XTERM, Terminal
from tui_pilots import app_of, drive, press

CELL = 8, 16
PIXELS = Pixels("Sixel", CELL, "")
BLACK, WHITE, GREEN, RED = (0, 0, 0), (255, 255, 255), (0, 200, 0), (200, 0, 0)
ORANGE, BLUE = (250, 160, 0), (0, 0, 250)
COLORS = Colors(BLACK, WHITE, GREEN, RED, ORANGE, BLUE)

needs_library = pytest.mark.skipif(
    not _library().startswith(f"{LIBRARY}."), reason=f"textual-image {LIBRARY} is not installed"
)

ASK = """
import termios
import muzero_tui.pixels
from muzero_tui.pixels import asked
muzero_tui.pixels.find_spec = lambda name: name
muzero_tui.pixels._library = lambda: "0.12.0"
before = termios.tcgetattr(0)
with asked() as found:
    pass
assert termios.tcgetattr(0) == before
print(f"<{found.pixels}|{found.typed}>")
"""


def bar(minute, *prices, traded=True):
    return PriceBar(
        minute * MINUTE_NS, prices[0], max(prices), min(prices), prices[-1], True, traded
    )


def picture(chart, width=40, height=12, spacing=2):
    frame = frame_of(chart, width, height, spacing)
    return draw_pixels(chart, frame, CELL, COLORS).convert("RGB"), frame


def count(image, color):
    return sum(found for found, each in image.getcolors(2**20) if each == color)


@pytest.mark.parametrize(
    ("answers", "cell", "said"),
    [
        (SIXEL, CELL, "pixels by Sixel, 8x16 a character"),
        (KITTYS, CELL, "pixels by Kitty, 8x16 a character"),
        (KITTYS | SIXEL, CELL, "pixels by Sixel"),
        (XTERM, CELL, "characters: the terminal has neither"),
        (SIXEL, (0, 0), "does not tell the size"),
        (SIXEL, (500, 600), "does not tell the size"),
        pytest.param({}, CELL, "the terminal did not answer", marks=pytest.mark.slow),
    ],
)
def test_the_terminal_is_asked_and_left_as_it_was(answers, cell, said):
    terminal = Terminal(code=ASK, answers=answers, cell=cell)
    try:
        terminal.read_until(DA1)
        terminal.type(b"4")
        terminal.read_until(b"|")
        assert said in terminal.written.decode(errors="replace").rpartition("<")[2]
    finally:
        terminal.close()


def test_what_the_user_types_meanwhile_is_kept():
    typed = SIXEL | {DA1: b"4" + SIXEL[DA1]}
    terminal = Terminal(code=ASK, answers=typed, cell=CELL)
    try:
        terminal.read_until(b"|4>\r\n")
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TERM_PROGRAM": "Apple_Terminal"}, "shows none"),
        ({"TERM_PROGRAM": "WarpTerminal"}, "shows none"),
        ({"TERM": "linux"}, "shows none"),
        ({"NO_COLOR": "1"}, "NO_COLOR"),
        ({"MLX_MUZERO_SERVER": "1"}, "a browser"),
    ],
)
def test_what_has_no_pixels_is_not_asked(environment, said, monkeypatch):
    monkeypatch.setattr("os.isatty", lambda descriptor: True)
    monkeypatch.setattr("muzero_tui.pixels.find_spec", lambda name: name)
    assert said in _unasked(environment)


def test_without_the_library_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("muzero_tui.pixels.find_spec", lambda _name: None)
    assert "mlx-muzero[pixels]" in _unasked({})


@pytest.mark.parametrize("found", ["", "0.11.9", "0.120.0"])
def test_another_version_of_the_library_draws_no_pixels(found):
    terminal = Terminal(code=ASK.replace("0.12.0", found), answers=SIXEL, cell=CELL)
    try:
        terminal.read_until(b"|")
        assert b"mlx-muzero[pixels]" in terminal.written
    finally:
        terminal.close()


def test_kitty_needs_true_color():
    kitty = replace(PIXELS, protocol="Kitty")
    assert fit_for(kitty, "truecolor") == kitty
    assert "COLORTERM" in fit_for(kitty, "256").reason
    assert fit_for(PIXELS, "256") == PIXELS


def test_rising_candles_are_hollow_and_falling_ones_filled():
    rising, _ = picture(Chart([bar(1, 1.0, 0.5, 2.5, 2.0)]))
    falling, _ = picture(Chart([bar(1, 2.0, 0.5, 2.5, 1.0)]))
    assert count(rising, GREEN) < count(falling, RED)
    assert count(rising, RED) == count(falling, GREEN) == 0


def test_everything_is_drawn_and_in_its_place():
    bars = [bar(minute, 10.0, 9.0, 11.0, 10.5, traded=minute < 8) for minute in range(1, 10)]
    fills = [Fill(bars[3].close_ns, True, True), Fill(bars[5].close_ns, False, False)]
    cone = [ConeBar(0.5, 1.0, 1.0), ConeBar(0.5, 2.0, 1.0)]
    image, frame = picture(Chart(bars, fills, 10.2, cone, 1.0))
    assert image.size == (frame.columns * CELL[0], frame.rows * CELL[1])
    for color in (GREEN, RED, ORANGE, BLUE):
        assert count(image, color)
    history = image.crop((0, 0, frame.cone_left * CELL[0], image.height))
    assert not count(history, BLUE), "the cone is ahead of the last bar"


def test_colors_are_those_of_a_theme_unless_nobody_knows_them():
    for theme in OWN:
        assert Colors.of(theme.to_color_system().generate()) is not None
    assert Colors.of({"background": "ansi_default"}) is None
    assert Colors.of({}) is None


@pytest.fixture
def sized(monkeypatch):
    """A terminal that tells the size of its characters."""
    monkeypatch.setattr("muzero_tui.app.cell_size", lambda: CELL)


@pytest.fixture
def told(monkeypatch):
    """What the application says."""
    said = []
    monkeypatch.setattr(MuZeroApp, "notify", lambda app, message, **options: said.append(message))
    return said


def images(app):
    """The picture of the first chart, if it is seen."""
    (market,) = app.screen.query(Market)
    return [child for child in market.children if child.display]


@needs_library
def test_the_picture_follows_what_is_shown_and_leaves_for_what_comes_on_top(session, sized, told):
    async def script(pilot):
        app = pilot.app
        seen = [images(app)[0].image.tobytes()]
        for key in ("down", "semicolon"):
            await press(pilot, key)
            seen.append(images(app)[0].image.tobytes())
        assert len(set(seen)) == len(seen)
        await press(pilot, "question_mark")
        (market,) = app.screen_stack[-2].query(Market)
        assert not any(child.display for child in market.children)
        await press(pilot, "escape")
        assert images(app)
        app.screen.query_one(Market).focus()
        await press(pilot, "v")  # the equity
        assert not images(app)
        await press(pilot, "v", "v", "i")
        assert not images(app)
        assert "i draws them" in str(app.pixels)
        await press(pilot, "i")
        assert images(app)
        await press(pilot, "t", "t")  # the terminal's own colors
        assert not images(app)

    drive(app_of(session, pixels=PIXELS), script)
    off, on = told
    assert "charts in characters" in off
    assert "charts in pixels by Sixel" in on


@pytest.mark.slow
def test_where_there_are_no_pixels_the_key_says_why(session, told):
    async def script(pilot):
        await press(pilot, "i", "i")
        assert not images(pilot.app)

    drive(app_of(session), script)
    assert len(told) == 2
    assert all("was not asked" in said for said in told)


@needs_library
@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "drawn"),
    [
        (SIXEL, rb"\x1bP[\d;]*q[^\x1b]+\x1b\\"),
        (KITTYS, rb"\x1b_Gi=\d+,m=[01],f=100,q=2;[^\x1b]+\x1b\\"),
        (XTERM, b""),
    ],
)
def test_a_real_terminal_gets_pictures_only_if_it_can_show_them(session, answers, drawn):
    terminal = Terminal(
        "tui", session.folder, answers=answers, cell=CELL, columns=120, lines=36,
        COLORTERM="truecolor",
    )  # fmt: skip
    try:
        terminal.read_until(b"+2")
        for _ in range(50):
            if drawn and re.search(drawn, terminal.written):
                break
            terminal.read()
        assert bool(re.search(rb"\x1bP|\x1b_G", terminal.written.replace(_QUESTION, b""))) == bool(
            drawn
        )
        assert not drawn or re.search(drawn, terminal.written)
        assert terminal.written.count(DA1) == 1, "the library asks nothing by itself"
        terminal.type(b"q")
        terminal.read_until(b"\x1b[?1049l")
    finally:
        terminal.close()


_QUESTION = next(iter(KITTYS))
