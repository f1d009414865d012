"""What a folder of `runs/` holds, so that nothing is begun inside something else."""

from pathlib import Path
from typing import Literal

from mlx_muzero.errors import RunError

Contents = Literal["training run", "paper session", "walk-forward"]

MARKS: dict[Contents, str] = {
    "training run": "config.toml",
    "paper session": "paper.toml",
    "walk-forward": "walk-forward.toml",
}
"""The file that says so: written last, when what it stands for exists."""

_WAY_ON: dict[Contents, str] = {
    "training run": "look at it with mlx-muzero status",
    "paper session": "the run whose model it trades is in its paper.toml",
    "walk-forward": "each of its windows holds a run, as window-01",
}


def contents_of(folder: Path) -> Contents | None:
    """What `folder` holds; None if nothing that is known here."""
    return next((what for what, mark in MARKS.items() if (folder / mark).exists()), None)


def require_room(folder: Path, wanted: Contents) -> None:
    """RunError if `folder` holds something else than what is `wanted` there."""
    held = contents_of(folder)
    if held not in (None, wanted):
        raise RunError(f"{folder} holds a {held}. Choose another --run.")


def missing(folder: Path, wanted: Contents) -> RunError:
    """What to raise when `folder` holds no such thing as is `wanted`: it says what it holds."""
    held = contents_of(folder)
    if held is None:
        what = wanted.removeprefix("training ")
        return RunError(f"{folder} holds no {what} (no {MARKS[wanted]} there).")
    return RunError(f"{folder} holds a {held}, not a {wanted}: {_WAY_ON[held]}.")
