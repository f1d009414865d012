"""`train --auto-resume`: one command for a run that is new, begun or finished."""

from typing import Literal

from mlx_muzero.config.keys import KEYS, value_of
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.training.run import RunFolder

Standing = Literal["new", "begun", "finished"]


def standing(folder: RunFolder, asked: Config) -> Standing:
    """How the run in `folder` stands, which must be the one that is asked for.

    Raises:
        RunError: it was begun with another configuration; names every key.
    """
    if not folder.exists:
        return "new"
    differences = _differences(folder.config(), asked)
    if differences:
        raise RunError(
            f"{folder.path} holds a run of another configuration ({', '.join(differences)}). Go "
            f"on with it as it was begun (--resume), or choose another --run."
        )
    return "finished" if folder.finished else "begun"


def _differences(begun: Config, asked: Config) -> list[str]:
    """Each key that differs, with what it was and what it is asked to be."""
    found = []
    for key in (key for keys in KEYS.values() for key in keys.values()):
        was, wanted = value_of(begun, key.path), value_of(asked, key.path)
        settled = key.path == "search.backend" and wanted == "auto"  # once, when the run was begun
        if was != wanted and not settled:
            found.append(f"{key.path} is {was!r} there, {wanted!r} here")
    return found
