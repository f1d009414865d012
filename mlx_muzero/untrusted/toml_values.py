"""TOML that may be anybody's."""

from typing import Any

MOST_BYTES = 2**20
"""Of a file of settings: the largest of ours has a hundredth."""

_MOST_DOTS = 200
"""Of a line: what a key of n parts costs to read grows with the square of n."""


def parsed(text: str) -> dict[str, Any]:
    """What TOML says.

    Raises:
        ValueError: it is no TOML, or nested too deeply to be read.
    """
    import tomllib  # its patterns take milliseconds to compile, and few watchers need it

    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > _MOST_DOTS:
            raise ValueError(f"line {number} has more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
