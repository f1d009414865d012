"""Text from files, venues and journals made safe for a terminal.

A terminal obeys what it is sent: escape sequences in a pair's name set the window's title or clear
the screen, and a right-to-left override shows other digits than there are. Whatever reaches a
terminal goes through here: `muzero_cli.display.terminal` and `muzero_tui.clean_lines` see to it.
"""

import re

MARK = "\N{REPLACEMENT CHARACTER}"
"""Stands where something was taken out, so that a damaged name does not pass for a whole one."""

_SEQUENCES = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colors, cursor, clearing
    # OSC, DCS, SOS, PM, APC: titles, links, the clipboard. Up to their end, within a line.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"  # shorter ones: resets, character sets
)
_SINGLE = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    r"\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, invisible
    r"\ud800-\udfff"  # halves of characters, which no terminal can be sent
    r"\U000e0000-\U000e007f]"  # tags, invisible
)
_UNSAFE = re.compile(f"(?:{_SEQUENCES}|{_SINGLE})+")
_BREAKS = re.compile(r"[\t\n]+")


def clean(text: str) -> str:
    """`text` without control characters, escape sequences, and what reorders or hides text.

    Tabs and newlines stay, a carriage return before a newline goes, and every run of what is taken
    out leaves a `MARK`.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(MARK, text.replace("\r\n", "\n"))


def clean_line(text: str) -> str:
    """Like `clean`, on one line: a name, or a cell of a table."""
    return _BREAKS.sub(" ", clean(text))


def unsafe_spans(text: str) -> list[tuple[int, int]]:
    """Begin and end of every run of `text` that `clean` would take out."""
    if text.isascii() and text.isprintable():
        return []
    return [found.span() for found in _UNSAFE.finditer(text)]
