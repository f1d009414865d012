"""Caches compiled Core ML models by content, so that a package is compiled only once (macOS).

Core ML compiles an ``.mlpackage`` into a temporary folder every time it is loaded, and the Neural
Engine's own cache is keyed by the path of the compiled model: with a permanent path, the second
load is fast. Compiling and loading are passed as arguments, so the cache itself runs anywhere.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlx_muzero.machine import cache_folder

ModelT = TypeVar("ModelT")

KEEP = 32
"""Number of most recently used models to keep, at most about 5 MB each; a refresh adds one."""


def default_folder() -> Path:
    """The default folder of the cache."""
    return cache_folder() / "compiled"


def load_compiled(
    package: Path,
    content: str,
    compile_model: Callable[[Path, Path], object],
    load_model: Callable[[Path], ModelT],
    folder: Path | None = None,
) -> ModelT:
    """Load the model in `package`, compiling it at most once per content and macOS version.

    Args:
        package: the ``.mlpackage``.
        content: hash of its contents.
        compile_model: compiles its first argument to the new path given as the second.
        load_model: loads a compiled model.
        folder: the cache; by default `default_folder`.

    Raises:
        Exception: whatever compiling or, after that, loading raises.
    """
    folder = folder or default_folder()
    kept = folder / f"{content}-macos{platform.mac_ver()[0]}.mlmodelc"
    if kept.exists():
        try:
            return _load(kept, load_model)
        except Exception:
            # Damaged, or from another Core ML; a model that never loads fails below.
            shutil.rmtree(kept)
    _compile(package, kept, compile_model)
    model = _load(kept, load_model)
    _prune(folder)
    return model


def _load(kept: Path, load_model: Callable[[Path], ModelT]) -> ModelT:
    model = load_model(kept)
    os.utime(kept)  # pruning is by last use
    return model


def _compile(package: Path, kept: Path, compile_model: Callable[[Path, Path], object]) -> None:
    """Compile elsewhere and rename, so that other processes find a complete model or none."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".compiling-") as aside:
        compiled = Path(aside) / "model.mlmodelc"
        compile_model(package, compiled)
        try:
            compiled.rename(kept)
        except OSError:
            if not kept.exists():  # otherwise another process was faster; its model is the same
                raise


def _prune(folder: Path) -> None:
    for path in sorted(folder.glob("*.mlmodelc"), key=_last_use)[:-KEEP]:
        shutil.rmtree(path, ignore_errors=True)


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # pruned by another process
        return 0.0
