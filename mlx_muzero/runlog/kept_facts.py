"""Reads the small JSON files that a run keeps in its folder, and says what is wrong with one."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import Malformed

FactsT = TypeVar("FactsT")


class DamagedFile(ValueError):
    """A kept file cannot be read; the message names it and says what is wrong."""


def kept_facts(path: Path, shape: Callable[[object], FactsT], most: int) -> FactsT:
    """The contents of the file at `path` of at most so many bytes, as `shape` returns them.

    Args:
        path: the file.
        shape: checks its JSON value; raises Malformed.
        most: bytes that such a file has at most.

    Raises:
        FileNotFoundError: there is none.
        DamagedFile: it cannot be read, or is something else.
    """
    try:
        return shape(parsed(read_text(path, most=most)))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedFile(f"{path}: {error.strerror or error}") from error
    except Malformed as error:
        raise DamagedFile(f"{path}: wanted {error}") from error
    except ValueError as error:
        raise DamagedFile(f"{path}: wanted JSON") from error
