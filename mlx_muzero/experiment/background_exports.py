"""The exports that were made in the background, and which of them are kept.

``RUN/background-exports/WEIGHTS/FORMAT/``, where WEIGHTS begins the weights' digest. An export is
kept while the run has the checkpoint that it was made from, of which there are at most three, or a
process plays it. One that can never be loaded again is removed, and whoever starts is told.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.in_use import unused
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.files.regular import remove, require_folder
from mlx_muzero.runlog.lock import locked
from mlx_muzero.training.checkpoint import NAME
from mlx_muzero.training.run import RunFolder

Tell = Callable[[str], None]

_WEIGHTS = re.compile(r"[0-9a-f]{16}")
_REMOVED = ".removed"
"""Suffix of a folder that is being removed: nobody finds half an export under its own name."""


def background_export(run: RunFolder, weights: str, made_for: ExportFormat) -> Path:
    """The folder of the export of `weights`, a digest, whether or not it exists."""
    return run.background_exports_path / weights[:16] / made_for


def measuring_lock(run: RunFolder) -> Path:
    """The lock that a process holds while it exports and measures in the background."""
    return run.path / "auto-backend.lock"


def prune(run: RunFolder, tell: Tell) -> None:
    """Remove exports of checkpoints that `run` has no longer, unless one is made or measured now.

    `tell` receives what was removed, and why what should be could not.
    """
    folder = run.background_exports_path
    if not folder.exists():
        return
    try:
        require_folder(folder)
        with locked(measuring_lock(run)):
            _prune(folder, set(run.checkpoints.names()), tell)
    except BlockingIOError:
        return  # who measures prunes afterwards
    except OSError as error:
        tell(f"exports made in the background could not be removed: {error}")


def _prune(folder: Path, present: set[str], tell: Tell) -> None:
    """Keep the exports in `folder` of the checkpoints that are `present`, and those in use."""
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(_REMOVED)
        if path.is_symlink() or not path.is_dir() or not _WEIGHTS.fullmatch(name):
            continue
        if path.name != name:  # a process was killed while it removed this
            remove(path)
            continue
        made_from = {manifest.checkpoint for manifest in _manifests(path)}
        if made_from.isdisjoint(present) and _removed(path):
            tell(f"removed {path}: {_why(made_from)}")


def _why(made_from: Collection[str]) -> str:
    named = sorted(filter(NAME.fullmatch, made_from))
    if not named:
        return "an export in the background that was never finished"
    return (
        f"exports in the background of checkpoint {', '.join(named)}, which the run no longer has "
        "and no process plays"
    )


def _manifests(folder: Path) -> Iterator[Manifest]:
    """Manifests of the complete exports in `folder`."""
    for path in folder.iterdir():
        try:
            yield Manifest.load(path)
        except ExportError:
            continue


def _removed(folder: Path) -> bool:
    """Remove `folder` unless a process uses an export in it; return whether it is gone."""
    with ExitStack() as locks:
        inside = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
        if not all(locks.enter_context(unused(path)) for path in inside):
            return False
        aside = folder.with_name(f"{folder.name}{_REMOVED}")
        folder.rename(aside)
        remove(aside)
    return True
