"""Makes text from files, venues and journals safe for a terminal.

A terminal obeys the text it is sent: escape sequences in a pair's name can set the window title or
clear the screen, and a right-to-left override can change the digits shown. All text for a terminal
goes through here: `muzero_cli.display.terminal` and `muzero_tui.clean_lines` make sure of that.
"""

import re

MARK = "\N{REPLACEMENT CHARACTER}"
"""Marks where something was removed, so that a damaged name does not look intact."""

_SEQUENCES = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colors, cursor, clearing
    # OSC, DCS, SOS, PM, APC: titles, links, the clipboard. Up to their terminator, within a line.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"  # short sequences: resets, character sets
)
_SINGLE = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and newline, DEL, C1
    r"\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, invisible
    r"\ud800-\udfff"  # lone surrogates, which cannot be encoded
    r"\U000e0000-\U000e007f]"  # tags, invisible
)
_UNSAFE = re.compile(f"(?:{_SEQUENCES}|{_SINGLE})+")
_BREAKS = re.compile(r"[\t\n]+")


def clean(text: str) -> str:
    """`text` without control characters, escape sequences and characters that reorder or hide text.

    Keeps tabs and newlines, drops a carriage return before a newline, and replaces every other run
    of removed characters with a `MARK`.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(MARK, text.replace("\r\n", "\n"))


def clean_line(text: str) -> str:
    """Like `clean`, on a single line, for a name or a table cell."""
    return _BREAKS.sub(" ", clean(text))


def unsafe_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of every run of `text` that `clean` would remove."""
    if text.isascii() and text.isprintable():
        return []
    return [found.span() for found in _UNSAFE.finditer(text)]
