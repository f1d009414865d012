"""The keys in which configurations differ."""

from collections.abc import Mapping
from typing import Any

from mlx_muzero.config.keys import value_of
from mlx_muzero.config.schema import Config
from mlx_muzero.config.toml import KEYS


def differing(configs: Mapping[str, Config]) -> dict[str, dict[str, Any]]:
    """Each key that is not the same in all `configs`, with its value in each, by name."""
    found = {}
    for key in (key for keys in KEYS.values() for key in keys.values()):
        values = {name: value_of(config, key.path) for name, config in configs.items()}
        first, *others = values.values()
        if any(value != first for value in others):
            found[key.path] = values
    return found
