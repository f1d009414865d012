"""What a run calls a pip: its figures are pips of a currency pair, or basis points."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlx_muzero.watch.run_config import setting_of

UNITS = ("pips", "bps")


def unit_of(folder: Path, started: Mapping[str, Any]) -> str:
    """Unit of a training run's figures, from its journal's beginning.

    Those of 0.1.0 do not say: then it follows from the configuration.
    """
    unit = started.get("unit")
    if unit in UNITS:
        return str(unit)
    return "bps" if setting_of(folder, "market", "pip_size") == 0 else "pips"
