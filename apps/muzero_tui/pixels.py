"""Asks the terminal whether it draws pixels, by Sixel or by Kitty's graphics protocol.

It is asked before Textual reads the keyboard, which would take the answer for keys, and answers
while the application is being loaded.
"""

import fcntl
import os
import re
import select
import struct
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Literal

from muzero_tui.served import SERVER_VARIABLE

Protocol = Literal["Sixel", "Kitty"]

PATIENCE_S = 1.0
"""How long to wait for an answer at most; every terminal answers the second question."""

MOST_CELL = 128
"""Pixels of a character's longer side; what tells more is no terminal."""

LIBRARY = "0.12"
"""The textual-image that draws; how it behaves when imported matters (`pixel_library`)."""

_GET_LIBRARY = "pip install 'mlx-muzero[pixels]' draws pixels where the terminal can"

_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Kitty's question whether it would show a pixel; others pass it by."""

_ATTRIBUTES = b"\x1b[c"
"""What the terminal can do (DA1): attribute 4 is Sixel."""

_KITTY_ANSWER = re.compile(rb"\x1b_Gi=31;([^\x1b]*)\x1b\\")
_ATTRIBUTES_ANSWER = re.compile(rb"\x1b\[\?([\d;]*)c")

_WITHOUT = {"TERM_PROGRAM": {"Apple_Terminal", "WarpTerminal"}, "TERM": {"linux", "dumb"}}
"""Terminals that may print the questions, or that answer yes and show nothing, by variable."""


@dataclass(frozen=True)
class Pixels:
    """How the terminal draws pixels.

    Attributes:
        protocol: by which it does; None if it draws characters only.
        cell: width and height of a character, in pixels.
        reason: why it draws characters only, in words.
    """

    protocol: Protocol | None = None
    cell: tuple[int, int] = (0, 0)
    reason: str = "the terminal was not asked"

    def __str__(self) -> str:
        """In words."""
        if self.protocol is None:
            return f"characters: {self.reason}"
        return f"pixels by {self.protocol}, {self.cell[0]}x{self.cell[1]} a character"


UNASKED = Pixels()


@dataclass
class Asked:
    """What was answered, known after the block of `asked`.

    Attributes:
        pixels: how the terminal draws pixels.
        typed: what the user typed meanwhile.
    """

    pixels: Pixels = UNASKED
    typed: str = ""


@contextmanager
def asked() -> Iterator[Asked]:
    """Ask the terminal, which answers while the block runs."""
    found = Asked()
    if reason := _unasked(os.environ):
        found.pixels = Pixels(reason=reason)
        yield found
        return
    before = termios.tcgetattr(0)
    tty.setcbreak(0, termios.TCSANOW)  # the answer would be printed, and wait for a newline
    until = time.monotonic() + PATIENCE_S
    try:
        os.write(1, _KITTY + _ATTRIBUTES)
        try:
            yield found
        finally:
            answer = _answer(until)
        found.pixels = _told(answer, cell_size())
        if found.pixels.protocol is not None and not _library().startswith(f"{LIBRARY}."):
            found.pixels = Pixels(reason=_GET_LIBRARY)
        found.typed = _without_answers(answer)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)


def cell_size() -> tuple[int, int]:
    """Width and height of a character in pixels; zeros where the terminal does not tell."""
    try:
        told = fcntl.ioctl(2, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return 0, 0
    lines, columns, width, height = struct.unpack("HHHH", told)
    return (width // columns, height // lines) if columns and lines else (0, 0)


def fit_for(pixels: Pixels, color_system: str | None) -> Pixels:
    """`pixels` unless the application's colors rule them out.

    Kitty finds a picture by the color of the characters in its place.
    """
    if pixels.protocol == "Kitty" and color_system != "truecolor":
        reason = "Kitty's pixels need true color: set COLORTERM=truecolor"
        return replace(pixels, protocol=None, reason=reason)
    return pixels


def _unasked(environment: Mapping[str, str]) -> str:
    """Why not to ask; empty if there is no reason."""
    if SERVER_VARIABLE in environment:
        return "a browser shows characters only"
    if find_spec("textual_image") is None:
        return _GET_LIBRARY
    if not all(os.isatty(descriptor) for descriptor in (0, 1, 2)):
        return "input or output is redirected"
    for name, values in _WITHOUT.items():
        if environment.get(name) in values:
            return f"{name}={environment[name]} shows none"
    if environment.get("NO_COLOR"):
        return "NO_COLOR is set"
    return ""


def _library() -> str:
    """The version of textual-image; empty without it. What reads it takes time to load."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("textual_image")
    except PackageNotFoundError:
        return ""


def _answer(until: float) -> bytes:
    """What comes from the terminal until it has told its attributes, or the time is over."""
    answer = b""
    while _ATTRIBUTES_ANSWER.search(answer) is None:
        left = max(until - time.monotonic(), 0.0)
        if not select.select([0], [], [], left)[0] or not (byte := os.read(0, 1)):
            break
        answer += byte
    return answer


def _told(answer: bytes, cell: tuple[int, int]) -> Pixels:
    attributes, kitty = _ATTRIBUTES_ANSWER.search(answer), _KITTY_ANSWER.search(answer)
    protocol: Protocol | None = None
    # Sixel first: other terminals that speak Kitty's protocol lack its placeholders.
    if attributes is not None and b"4" in attributes[1].split(b";"):
        protocol = "Sixel"
    elif kitty is not None and kitty[1] == b"OK":
        protocol = "Kitty"
    if protocol is None:
        silent = "did not answer" if attributes is None else "has neither Sixel nor Kitty's pixels"
        return Pixels(reason=f"the terminal {silent}")
    if not 0 < min(cell) <= max(cell) <= MOST_CELL:
        return Pixels(reason=f"it speaks {protocol}, but does not tell the size of a character")
    return Pixels(protocol, cell, "")


def _without_answers(answer: bytes) -> str:
    for pattern in (_KITTY_ANSWER, _ATTRIBUTES_ANSWER):
        answer = pattern.sub(b"", answer)
    return answer.decode(errors="ignore")
