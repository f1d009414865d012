"""Parses untrusted TOML."""

from typing import Any

MOST_BYTES = 2**20
"""Maximum size of a settings file, 100 times that of our largest."""

_MOST_DOTS = 200
"""Maximum dots in a line: the cost of parsing a key of n parts grows with n squared."""


def parsed(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ValueError: it is not TOML, or nested too deeply.
    """
    import tomllib  # takes milliseconds to import, and few watchers need it

    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > _MOST_DOTS:
            raise ValueError(f"line {number} has more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
