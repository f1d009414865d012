"""Caches compiled models by content, so that a package or asset is compiled only once.

Core ML compiles an ``.mlpackage`` into a temporary folder every time it is loaded, and the Neural
Engine's own cache is keyed by the path of the compiled model: with a permanent path, the second
load is fast. Core AI's package likewise lowers an asset with every load. Compiling and loading are
passed as arguments, so the cache itself runs anywhere.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlx_muzero.machine import cache_folder
from mlx_muzero.processes.running import is_running

ModelT = TypeVar("ModelT")

KEEP = 32
"""Number of most recently used models to keep, at most about 12 MB each; a refresh adds one."""

_ASIDE = ".compiling-"
"""Prefix of folders in which something is being compiled; the process's number follows."""


def default_folder() -> Path:
    """The default folder of the cache."""
    return cache_folder() / "compiled"


def load_compiled(
    package: Path,
    content: str,
    compile_model: Callable[[Path, Path], object],
    load_model: Callable[[Path], ModelT],
    folder: Path | None = None,
    suffix: str = ".mlmodelc",
) -> ModelT:
    """Load the model in `package`, compiling it at most once per content and macOS version.

    Args:
        package: the package or asset.
        content: hash of its contents.
        compile_model: compiles its first argument to the new path given as the second.
        load_model: loads a compiled model.
        folder: the cache; by default `default_folder`.
        suffix: of compiled models.

    Raises:
        Exception: whatever compiling or, after that, loading raises.
    """
    folder = folder or default_folder()
    _clear_abandoned(folder)
    kept = folder / f"{content}-macos{platform.mac_ver()[0]}{suffix}"
    if kept.exists():
        try:
            return _load(kept, load_model)
        except Exception:
            # Damaged, or from another Core ML; a model that never loads fails below.
            shutil.rmtree(kept)
    _compile(package, kept, compile_model)
    model = _load(kept, load_model)
    _prune(folder, suffix)
    return model


def _load(kept: Path, load_model: Callable[[Path], ModelT]) -> ModelT:
    model = load_model(kept)
    os.utime(kept)  # pruning is by last use
    return model


def _compile(package: Path, kept: Path, compile_model: Callable[[Path, Path], object]) -> None:
    """Compile elsewhere and rename, so that other processes find a complete model or none."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f"{_ASIDE}{os.getpid()}-") as aside:
        compiled = Path(aside, "model").with_suffix(kept.suffix)
        compile_model(package, compiled)
        try:
            compiled.rename(kept)
        except OSError:
            if not kept.exists():  # otherwise another process was faster; its model is the same
                raise


def _clear_abandoned(folder: Path) -> None:
    """Remove what processes that were killed while they compiled have left."""
    for path in folder.glob(f"{_ASIDE}*"):
        number = path.name.removeprefix(_ASIDE).partition("-")[0]
        if not (number.isdecimal() and is_running(int(number))):
            shutil.rmtree(path, ignore_errors=True)


def _prune(folder: Path, suffix: str) -> None:
    for path in sorted(folder.glob(f"*{suffix}"), key=_last_use)[:-KEEP]:
        shutil.rmtree(path, ignore_errors=True)


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # pruned by another process
        return 0.0
