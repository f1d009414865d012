"""The symbols of a bar store, kept among what can be made again: shells complete names by them.

To ask the store itself would lock it, and its writer could not open it meanwhile.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from mlx_muzero.files.regular import read_text, write_text
from mlx_muzero.machine import cache_folder
from mlx_muzero.untrusted.json_values import parsed


def remember(store: Path, symbols: Iterable[str]) -> None:
    """Keep which symbols `store` holds; where that cannot be written, nothing is lost."""
    file, text = _file(store), json.dumps(sorted(symbols))
    try:
        if not file.exists() or read_text(file) != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, text)
    except OSError:
        return


def recall(store: Path) -> list[str]:
    """The symbols `store` held when it was last written or listed; none if that is unknown."""
    try:
        symbols = parsed(read_text(_file(store)))
    except (OSError, ValueError):
        return []
    return [name for name in symbols if isinstance(name, str)] if isinstance(symbols, list) else []


def _file(store: Path) -> Path:
    name = hashlib.sha256(str(store.absolute()).encode()).hexdigest()[:16]
    return cache_folder() / "symbols" / f"{name}.json"
