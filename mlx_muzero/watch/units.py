"""What a run calls a pip: its figures are pips of a currency pair, or basis points."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted import toml_values

UNITS = ("pips", "bps")


def unit_of(folder: Path, started: Mapping[str, Any]) -> str:
    """Unit of a training run's figures, from its journal's beginning.

    Those of 0.1.0 do not say: then it follows from the configuration.
    """
    unit = started.get("unit")
    return unit if unit in UNITS else _configured(folder / "config.toml")


def _configured(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return "pips"
    return _read(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=256)
def _read(path: Path, _version: tuple[int, ...]) -> str:
    try:
        market = toml_values.parsed(read_text(path, most=toml_values.MOST_BYTES)).get("market")
    except (OSError, ValueError):
        return "pips"
    pip_size = market.get("pip_size") if isinstance(market, dict) else None
    return "bps" if pip_size == 0 else "pips"
