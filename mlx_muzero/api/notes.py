"""Shows notes as Python warnings that point at the user's own line."""

import contextlib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

_NOT_THE_USERS = (str(Path(__file__).resolve().parents[1]), contextlib.__file__)
"""Sources of frames that a warning should not point at."""


class MuZeroWarning(UserWarning):
    """Something about the data, the costs or the run that a result depends on."""


def note(text: str) -> None:
    """Warn with `text`, pointing at the line outside the package that called it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, MuZeroWarning, stacklevel=level)


def note_all(texts: Iterable[str]) -> None:
    """Call `note` with each text."""
    for text in texts:
        note(text)
