"""What a terminal would obey never reaches it: by the one function, the console and the screens."""

import io
import logging
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from rich.tree import Tree
from textual.color import Color

from mlx_muzero.errors import RunError
from mlx_muzero.untrusted.terminal_text import MARK, clean, clean_line
from muzero_cli import main
from muzero_cli.display.console import echo
from muzero_cli.display.terminal import PlainColumn, TerminalConsole
from muzero_tui.clean_lines import CleanLines
from muzero_tui.clean_text import clean_rich

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = [
    "\x1b]0;owned\x07", "\x1b[2J\x1b[H", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "\x9b31m",
    "\x1bc", "\x1b(0", "\x07", "\r", "\x7f", "\x85", "\u202e", "\ud800", "\x1b", "\x1b]52;c;aGk=",
]  # fmt: skip


def is_unsafe(character):
    category = unicodedata.category(character)
    return (category in ("Cc", "Cs", "Zl", "Zp") and character not in "\t\n") or character in BIDI


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("EUR/USD ▁▂ é 日本 👩‍🚀", "EUR/USD ▁▂ é 日本 👩‍🚀"),
        ("two\nlines\tand a tab\r\n", "two\nlines\tand a tab\n"),
        ("BTC\x1b]0;owned\x07USDT", f"BTC{MARK}USDT"),
        ("a\x1b[31mred\x1b[0m", f"a{MARK}red{MARK}"),
        ("\x1b[2J\x1b[H\r\r", MARK),
        ("12\u202e34", f"12{MARK}34"),
        ("cut off\x1b]0;title", f"cut off{MARK}0;title"),
        ("half \ud800", f"half {MARK}"),
        ("[/bold] [red]", "[/bold] [red]"),
    ],
)
def test_what_a_terminal_would_obey_leaves_a_mark(text, safe):
    assert clean(text) == safe


@given(st.text(st.characters() | st.sampled_from("\x1b[]\x9b\x9d\x07\ud800;m" + BIDI)))
def test_nothing_unsafe_is_left_and_cleaning_again_changes_nothing(text):
    safe = clean(text)
    assert not any(map(is_unsafe, safe))
    assert clean(safe) == safe
    assert clean_rich(Text(text)).plain.translate({13: None}) == clean_rich(Text(text)).plain
    assert "\n" not in clean_line(text)


def test_styles_stay_where_they_were():
    text = Text.assemble(("one\x1b[2J", "bold"), (" two", "red"))
    safe = clean_rich(text)
    assert safe.plain == f"one{MARK} two"
    assert [safe.plain[span.start : span.end] for span in safe.spans if span.style == "red"] == [
        " two"
    ]
    assert clean_rich(safe) is safe


@pytest.mark.parametrize("hostile", [*HOSTILE, "[/bold]", "[red]", ":bomb:"])
def test_a_console_prints_text_alone(hostile):
    out = io.StringIO()
    console = TerminalConsole(file=out, width=200)
    name = f"<{hostile}>"
    table = Table(name, title=name)
    table.add_row(Text(name))
    tree = Tree(name)
    tree.add(Text(name, "bold"))
    for shown in (name, Text(name), table, tree):
        console.print(shown)
    with console.status(name) as status:
        status.update(name)
    with Progress(PlainColumn("{task.description}"), console=console) as progress:
        progress.add_task(name)
    printed = out.getvalue()
    assert not any(map(is_unsafe, printed))
    if hostile.isprintable():
        assert printed.count(name) >= 6


def test_colors_of_our_own_stay():
    out = io.StringIO()
    TerminalConsole(file=out, force_terminal=True, color_system="standard").print(
        Text("a\x1b[2Jb", "red")
    )
    parts = out.getvalue().split("\x1b[31m")
    assert parts == ["", "a\x1b[0m", f"{MARK}\x1b[0m", "b\x1b[0m\n"]


def test_an_error_and_a_line_are_clean(monkeypatch, capsys):
    def fail(**_):
        raise RunError("runs/\x1b]0;x\x07[/bold]: no")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit):
        main.run()
    assert capsys.readouterr().err == f"error: runs/{MARK}[/bold]: no\n"
    echo("a\x1b[2Jb\ud800")
    assert capsys.readouterr().out == f"a{MARK}b{MARK}\n"


def test_usage_bugs_and_logs_are_clean(cli, monkeypatch, capfd):
    for hostile in HOSTILE[:4]:
        code, out, err = cli("status", "runs/a", f"runs/{hostile}[/bold]")
        assert code == 2
        assert not any(map(is_unsafe, out + err))
        assert "[/bold]" in err

    def fail(**_):
        raise ValueError("\x1b]0;owned\x07[/bold]")

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(ValueError, match="owned") as bug:
        main.run()
    sys.excepthook(*bug._excinfo)  # as Python does at the end
    logging.getLogger("mlx_muzero.test").parent = None  # as outside of tests
    logging.getLogger("mlx_muzero.test").warning("runs/\x1b[2J")
    err = capfd.readouterr().err
    assert "Traceback" in err
    assert f"ValueError: {MARK}[/bold]" in err
    assert f"runs/{MARK}" in err
    assert "\x1b" not in err


def test_a_line_of_a_screen_keeps_its_width():
    from rich.segment import Segment

    (line,) = CleanLines().apply([Segment("a\x1b[31mb\x07")], Color(0, 0, 0))
    assert line.text.rstrip() == f"a{MARK}b{MARK}"
