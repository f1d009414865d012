"""Makes a configuration for the symbols of a store."""

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
    """Combine a preset, a file, a symbol and `overrides`, in this order, into a configuration.

    Args:
        preset: "fx_small", "fx_micro", "crypto_small", "crypto" and so on; None for the small one
            of the symbol's market, or the one named in `file`.
        symbol: symbol to trade, or several for a crypto model; None for the preset's.
        overrides: values by key, as in ``{"train.episodes": 64, "trading.reward": "amddp1"}``.
        file: TOML file with a complete or partial configuration.
        store: bar store that knows the symbol's pip; None for the default store.

    Raises:
        ConfigError: lists every wrong key, type and value.
        UnknownInstrument: the size of the symbol's pip is unknown.
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
