"""From command-line options to a configuration and a dataset."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from mlx_muzero import config_toml
from mlx_muzero.config import Config
from mlx_muzero.errors import ConfigError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory, load_history
from mlx_muzero.market.instrument import instrument
from mlx_muzero.market.store import BarStore
from mlx_muzero.presets import PRESETS
from mlx_muzero.symbols import Symbol
from muzero_cli.options import DEFAULT_DATABASE


def load_config(
    preset: str, file: Path | None, overrides: list[str], symbol: str | None = None
) -> Config:
    """The preset, overlaid by a file, then by ``--set``, then by ``--symbol``."""
    if preset not in PRESETS:
        raise ConfigError(f"no preset {preset!r}; there are: {', '.join(PRESETS)}")
    settings = PRESETS[preset]
    if file is not None:
        settings = config_toml.load(file, settings)
    if symbol is not None:
        settings = of_symbol(settings, symbol)
    return config_toml.override(settings, overrides)


def of_symbol(settings: Config, symbol: str) -> Config:
    """`settings` for `symbol`, or for several with commas between, and what a name settles."""
    if settings.market.features == "crypto":
        symbols = Symbol.listed(symbol)
        market = replace(settings.market, symbol=symbols[0], symbols=symbols)
        return replace(settings, market=market)
    name = Symbol(symbol)
    pip_size = instrument(name).pip_size or settings.market.pip_size
    return replace(settings, market=replace(settings.market, symbol=name, pip_size=pip_size))


def load_dataset(
    config: Config, database: Path | None, pairs: tuple[str, ...] | None = None
) -> tuple[MarketDataset, Path]:
    """Bars of the configured pairs with features and outcomes, and the store they came from.

    Args:
        config: of the run.
        database: the store, or None for the usual one.
        pairs: those of the configured pairs to load; None for all.
    """
    histories, path = load_histories(config, database, pairs)
    return MarketDataset.of_pairs(histories, config.market), path


def load_histories(
    config: Config, database: Path | None, pairs: tuple[str, ...] | None = None
) -> tuple[list[PairHistory], Path]:
    """What `load_dataset` makes a dataset of."""
    path = database or DEFAULT_DATABASE
    wanted = config.market.pairs if pairs is None else pairs
    with BarStore(path, read_only=True) as store:
        return [load_history(store, pair, config.market) for pair in wanted], path


def load_truth(config: Config, database: Path) -> dict[str, Any] | None:
    """What is known of a synthetic symbol's best policy; None for real ones."""
    with BarStore(database, read_only=True) as store:
        return store.truth(config.market.symbol)
