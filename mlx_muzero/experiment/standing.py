"""The state of the run that a configuration asks for: new, begun or finished."""

from pathlib import Path
from typing import Literal

from mlx_muzero.config.differing import differing
from mlx_muzero.config.schema import AS_NEEDED, STORED, Config
from mlx_muzero.errors import RunError
from mlx_muzero.training.run import RunFolder

Standing = Literal["new", "begun", "finished"]


_LEFT_OPEN = {
    "search.backend": "auto",
    "search.root_backend": "auto",
    "market.macro": (STORED,),
    "market.embargo_bars": AS_NEEDED,
}
"""Values that are settled once, when a run starts, by key."""

_WAY_ON = "Resume it as it was started (--resume), or choose another --run."


def standing(folder: RunFolder, asked: Config, way_on: str = _WAY_ON) -> Standing:
    """The state of the run in `folder`, which must have the configuration `asked`.

    Raises:
        RunError: as `require_same`.
    """
    if not folder.exists:
        return "new"
    require_same(folder.path, folder.config(), asked, way_on)
    return "finished" if folder.finished else "begun"


def require_same(path: Path, begun: Config, asked: Config, way_on: str) -> None:
    """Check that the configuration `begun` at `path` is the one `asked` for.

    Raises:
        RunError: they differ; the message lists every key and ends with `way_on`.
    """
    differences = _differences(begun, asked)
    if differences:
        raise RunError(
            f"{path} holds a run of another configuration ({', '.join(differences)}). {way_on}"
        )


def _differences(begun: Config, asked: Config) -> list[str]:
    """Each key that differs, with its old value and the one asked for."""
    found = []
    for key, values in differing({"begun": begun, "asked": asked}).items():
        was, wanted = values["begun"], values["asked"]
        if wanted != _LEFT_OPEN.get(key):
            found.append(f"{key} is {was!r} there, {wanted!r} here")
    return found
