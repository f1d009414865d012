"""A configuration for the symbols of a store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlx_muzero.api.store import Store, store_path, symbols_in_words
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.experiment.loading import load_config


def make_config(
    preset: str | None = None,
    *,
    symbol: str | Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    file: str | Path | None = None,
    store: Store | str | Path | None = None,
) -> Config:
    """A preset, overlaid by a file, then for a symbol, then changed by `overrides`.

    Args:
        preset: "fx_small", "fx_micro", "crypto_small", "crypto" and so on; None for the small one
            of the symbol's market, or the one that `file` names.
        symbol: to trade, or several for a crypto model; None for the preset's.
        overrides: values by key, as in ``{"train.episodes": 64, "trading.reward": "amddp1"}``.
        file: TOML file of a whole or partial configuration.
        store: bar store that knows the symbol's pip; None for the usual one.

    Raises:
        ConfigError: every wrong key, type and value, each with its name.
        UnknownInstrument: nothing says what a pip of the symbol is.
    """
    words = symbols_in_words(symbol)
    of_preset = None if file is None else Path(file)
    return load_config(
        preset,
        of_preset,
        [config_toml.assignment(key, value) for key, value in (overrides or {}).items()],
        words,
        store_path(store),
        "overrides",
    )
