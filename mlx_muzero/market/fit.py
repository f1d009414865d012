"""Checks that a configuration, or a model trained with it, fits a symbol's market.

A configuration with a pip of fixed price is for currency pairs; one that counts in basis points is
for coins. A symbol whose market neither its name nor the user gives, such as a synthetic one, fits
both.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from mlx_muzero.config.presets import DEFAULT_PRESETS
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.market.instrument import Market
from mlx_muzero.market.store.location import in_store
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.words import command

_COUNTED: dict[Market, str] = {"fx": "in pips", "crypto": "in basis points"}
"""The unit of money in each market; an instrument counted in basis points need not be a coin."""


def known_market(symbol: str) -> Market | None:
    """The market of `symbol`, or None if its name does not tell."""
    pair = Symbol(symbol).pair
    if pair is None:
        return None
    return "fx" if pair.of_currencies else "crypto" if pair.of_coins else None


MarketOf = Callable[[str], Market | None]
"""Returns the market of a symbol, or None if it is unknown."""


def counted_for(config: MarketConfig) -> Market:
    """The market whose unit `config` uses."""
    return "fx" if config.pip_size else "crypto"


def default_preset(symbols: Iterable[str], market_of: MarketOf = known_market) -> str:
    """Name of the default preset for `symbols`, whose markets `market_of` returns.

    Raises:
        ConfigError: the symbols belong to different markets.
    """
    markets = {symbol: market for symbol in symbols if (market := market_of(symbol))}
    if len(set(markets.values())) > 1:
        units = ", ".join(f"{symbol} is counted {_COUNTED[of]}" for symbol, of in markets.items())
        raise ConfigError(f"one model trades one kind of market, but {units}: train one for each")
    return DEFAULT_PRESETS[next(iter(markets.values()), "fx")]


def require_fit(config: MarketConfig, market_of: MarketOf = known_market) -> None:
    """Raise ConfigError, naming the right preset, unless `config` fits its symbols' market."""
    counted = counted_for(config)
    for symbol in config.pairs:
        market = market_of(symbol)
        if market is not None and market != counted:
            raise ConfigError(
                f"{symbol} is counted {_COUNTED[market]}, but this configuration counts "
                f"{_counted(config)}. Start from another preset: --symbol {symbol} --preset "
                f"{DEFAULT_PRESETS[market]}"
            )


def require_tradable(trained: MarketConfig, symbol: str, store: Path | None) -> None:
    """Raise ConfigError unless a model trained on `trained` may trade `symbol`.

    Args:
        trained: the market of the run.
        symbol: what it shall trade.
        store: holds the bars that a model of `symbol` would learn from.
    """
    if symbol in trained.pairs:
        return
    market = known_market(symbol)
    known = known_market(trained.symbol) or counted_for(trained)
    if market is not None and market != known:
        raise ConfigError(
            f"{symbol} is counted {_COUNTED[market]}, but the run was trained on {trained.label} "
            f"and counts {_counted(trained)}. Train a model for it: "
            + command("train", "--run", "RUN", "--symbol", symbol, *in_store(store))
        )


def _counted(config: MarketConfig) -> str:
    size = config.pip_size
    return f"in pips of {size:g}" if size else "in basis points of the price"
