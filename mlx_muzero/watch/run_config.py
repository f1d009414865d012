"""Single settings of a run, from its config.toml."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from mlx_muzero.config.choices import BestBy, Precision
from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted import toml_values


def setting_of(folder: Path, section: str, key: str) -> Any:
    """A setting of the run in `folder`; None if its configuration has none or cannot be read."""
    path = folder / "config.toml"
    try:
        stat = path.stat()
    except OSError:
        return None
    found = _read(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns)).get(section)
    return found.get(key) if isinstance(found, dict) else None


def best_by_of(folder: Path) -> BestBy:
    """What chooses the best checkpoint of the training in `folder`."""
    return "net_pips" if setting_of(folder, "train", "best_by") == "net_pips" else "expectancy"


def precision_of(folder: Path) -> str:
    """The precision in which the training in `folder` computes; "auto" means float32 there."""
    asked = setting_of(folder, "search", "precision")
    return asked if asked in get_args(Precision) else "float32"


@lru_cache(maxsize=256)
def _read(path: Path, _version: tuple[int, ...]) -> Mapping[str, Any]:
    try:
        return toml_values.parsed(read_text(path, most=toml_values.MOST_BYTES))
    except (OSError, ValueError):
        return {}
