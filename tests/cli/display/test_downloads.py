"""How far downloads are: bars with pace and time left on a terminal, elsewhere a line."""

import io

from muzero_cli.display.downloads import DownloadProgress
from muzero_cli.display.progress import SECONDS_BETWEEN_LINES
from muzero_cli.display.terminal import TerminalConsole


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_where_there_is_no_terminal_a_line_comes_now_and_then():
    console, clock = TerminalConsole(file=io.StringIO(), width=40), Clock()
    with DownloadProgress(console, clock) as progress:
        progress.update("BTCUSDT", 1000, 4000, 990)
        clock.now += SECONDS_BETWEEN_LINES
        progress.update("ETHUSDT", 1000, 4000, 1010)
        progress.update("BTCUSDT", 4000, 4000, 3990)
        clock.now += SECONDS_BETWEEN_LINES
        progress.update("ETHUSDT", 2000, 4000, 2010)
    assert console.file.getvalue().splitlines() == [
        "BTCUSDT, ETHUSDT: 2,000 bars, 200/s, 25%, 60 s left",
        "ETHUSDT: 6,000 bars, 300/s, 75%, 8 s left",
    ]


def test_on_a_terminal_each_symbol_has_a_bar_that_is_taken_away():
    console = TerminalConsole(file=io.StringIO(), width=100, force_terminal=True)
    clock = Clock()
    with DownloadProgress(console, clock) as progress:
        clock.now += 10
        progress.update("[b]BTC", 1000, 4000, 1000)
        progress.say("binance: HTTP 503")
    drawn = console.file.getvalue()
    assert "[b]BTC" in drawn
    assert "1,000 bars, 100/s" in drawn
    assert "binance: HTTP 503" in drawn
