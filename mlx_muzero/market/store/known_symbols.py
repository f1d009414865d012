"""A cache of a bar store's symbols, for shell completion.

Asking the store itself would lock it, so that its writer could not open it.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from mlx_muzero.files.regular import read_text, write_text
from mlx_muzero.machine import cache_folder
from mlx_muzero.untrusted.json_values import parsed


def remember(store: Path, symbols: Iterable[str]) -> None:
    """Cache the symbols of `store`; a failure to write is ignored, as the cache is expendable."""
    file, text = _file(store), json.dumps(sorted(symbols))
    try:
        if not file.exists() or read_text(file) != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, text)
    except OSError:
        return


def recall(store: Path) -> list[str]:
    """The symbols of `store` when it was last written or listed; empty if unknown."""
    try:
        symbols = parsed(read_text(_file(store)))
    except (OSError, ValueError):
        return []
    return [name for name in symbols if isinstance(name, str)] if isinstance(symbols, list) else []


def _file(store: Path) -> Path:
    name = hashlib.sha256(str(store.absolute()).encode()).hexdigest()[:16]
    return cache_folder() / "symbols" / f"{name}.json"
