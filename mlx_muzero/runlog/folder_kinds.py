"""What a folder in `runs/` holds, so that nothing is started inside something else."""

from contextlib import suppress
from errno import ENAMETOOLONG
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Literal

from mlx_muzero.errors import RunError

Contents = Literal["training run", "paper session", "walk-forward", "sweep"]

MARKS: dict[Contents, str] = {
    "training run": "config.toml",
    "paper session": "paper.toml",
    "walk-forward": "walk-forward.toml",
    "sweep": "sweep.toml",
}
"""The file that marks a folder's contents; written last, when the contents exist."""

_WAY_ON: dict[Contents, str] = {
    "training run": "look at it with mlx-muzero status {folder}",
    "paper session": "look at it with mlx-muzero paper status {folder}; the run whose model it "
    "trades is in its paper.toml",
    "walk-forward": "each of its windows holds a run, as {folder}/window-01",
    "sweep": "each of its trials is a run, as {folder}/trial-001",
}
_LOOKED_AT = 1000
_NAMED = 5


def contents_of(folder: Path) -> Contents | None:
    """What `folder` holds; None if nothing known, or if no folder can have that name."""
    try:
        return next((what for what, mark in MARKS.items() if (folder / mark).exists()), None)
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            return None
        raise


def word_for(contents: Contents) -> str:
    """The word for it in messages."""
    return "run" if contents == "training run" else contents


def require_room(folder: Path, wanted: Contents) -> None:
    """Raise RunError if `folder` holds something other than `wanted`."""
    held = contents_of(folder)
    if held in (None, wanted):
        return
    trade_it = ""
    if (wanted, held) == ("paper session", "training run"):
        trade_it = f", and name this one by --model {quote(str(folder))} to trade its model"
    raise RunError(f"{folder} holds a {held}. Choose another --run{trade_it}.")


def missing(folder: Path, *wanted: Contents) -> RunError:
    """The error for a `folder` without `wanted`: names what it holds, and what is nearby.

    Args:
        folder: the folder.
        wanted: contents, any of which would do.
    """
    held = contents_of(folder)
    if held is not None:
        way_on = _WAY_ON[held].format(folder=quote(str(folder)))
        return RunError(f"{folder} holds a {held}, not a {' or a '.join(wanted)}: {way_on}.")
    what = word_for("training run" if "training run" in wanted else wanted[0])
    marks = " or ".join(MARKS[kind] for kind in wanted)
    near = _near(folder, wanted)
    there_is = f" There is {', '.join(near)}." if near else ""
    return RunError(f"{folder} holds no {what} (no {marks} there).{there_is}")


def _near(folder: Path, wanted: tuple[Contents, ...]) -> list[str]:
    """Some folders in `folder`, or else next to it, that hold what is `wanted`."""
    for place in (folder, folder.parent):
        with suppress(OSError):
            folders = sorted(islice(place.iterdir(), _LOOKED_AT))
            found = (str(path) for path in folders if contents_of(path) in wanted)
            if named := list(islice(found, _NAMED)):
                return named
    return []
