"""How messages tell numbers of things, and commands to type."""

import shlex
from collections.abc import Sequence

MOST_NAMED = 4
"""Things that are told by their names; of more, only how many there are."""


def counted(count: int, what: str) -> str:
    """The number and its noun, in the plural unless it is one: "1 session", "1,200 sessions"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def named(names: Sequence[str], what: str, separator: str = ", ") -> str:
    """The names of a few things, or the number of many: "USDJPY, EURJPY", "11 pairs"."""
    return separator.join(names) if len(names) <= MOST_NAMED else counted(len(names), what)


def command(*words: object) -> str:
    """A command of ``mlx-muzero``, each word quoted for a shell where it needs that.

    Words in capitals stand for what only the user knows, as in ``data rename BTCUSDT NAME``.
    """
    return shlex.join(["mlx-muzero", *map(str, words)])
