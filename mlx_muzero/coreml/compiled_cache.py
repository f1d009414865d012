"""Compiled Core ML models, kept by their content, so that a package is compiled once (macOS).

Core ML compiles an ``.mlpackage`` into a temporary folder each time it is loaded, and the Neural
Engine's own cache goes by the path of the compiled model: under a lasting path the second load is
the fast one. Compiling and loading are arguments, so that the cache itself runs anywhere.
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
"""Models kept, the last used ones; at most some 5 MB each. A collector adds one a refresh."""


def default_folder() -> Path:
    """The folder of the cache."""
    return cache_folder() / "compiled"


def load_compiled(
    package: Path,
    content: str,
    compile_model: Callable[[Path, Path], object],
    load_model: Callable[[Path], ModelT],
    folder: Path | None = None,
) -> ModelT:
    """The model in `package`, compiled at most once for this content and macOS.

    Args:
        package: the ``.mlpackage``.
        content: hash of what is in it.
        compile_model: compiles its first argument into the new path that is its second.
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
            # Damaged, or of another Core ML; a model that never loads says so below.
            shutil.rmtree(kept)
    _compile(package, kept, compile_model)
    model = _load(kept, load_model)
    _prune(folder)
    return model


def _load(kept: Path, load_model: Callable[[Path], ModelT]) -> ModelT:
    model = load_model(kept)
    os.utime(kept)  # pruning goes by the last use
    return model


def _compile(package: Path, kept: Path, compile_model: Callable[[Path, Path], object]) -> None:
    """Compiles aside and renames, so that other processes find a whole model or none."""
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
