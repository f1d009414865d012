"""What is said to somebody who did not ask: Python warnings, which name the user's own line."""

import contextlib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

_NOT_THE_USERS = (str(Path(__file__).resolve().parents[1]), contextlib.__file__)
"""Where frames come from that a warning should not point at."""


class MuZeroWarning(UserWarning):
    """Something about the data, the costs or the run that a result depends on."""


def note(text: str) -> None:
    """Warn of `text` at the line outside the package that called it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, MuZeroWarning, stacklevel=level)


def note_all(texts: Iterable[str]) -> None:
    """`note` of each."""
    for text in texts:
        note(text)
