"""Whether a configuration, or a model trained with one, fits the market of a symbol.

A configuration whose pips have a price of their own is for currency pairs; one that counts in basis
points is for coins. What neither names nor anybody tells the market of, such as a synthetic symbol,
fits both.
"""

from collections.abc import Callable, Iterable

from mlx_muzero.config.presets import DEFAULT_PRESETS
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.market.instrument import Market
from mlx_muzero.symbols.symbol import Symbol

_COUNTED: dict[Market, str] = {"fx": "in pips", "crypto": "in basis points"}
"""How money is counted there: an instrument in basis points need not be a coin."""


def known_market(symbol: str) -> Market | None:
    """The market of `symbol`; None where its name does not say."""
    pair = Symbol(symbol).pair
    if pair is None:
        return None
    return "fx" if pair.of_currencies else "crypto" if pair.of_coins else None


MarketOf = Callable[[str], Market | None]
"""The market that a symbol is counted for; None where nobody says."""


def counted_for(config: MarketConfig) -> Market:
    """The market that `config` counts money for."""
    return "fx" if config.pip_size else "crypto"


def default_preset(symbols: Iterable[str], market_of: MarketOf = known_market) -> str:
    """Name of the preset to begin from for `symbols`, whose markets `market_of` knows.

    Raises:
        ConfigError: they are of different markets.
    """
    markets = {symbol: market for symbol in symbols if (market := market_of(symbol))}
    if len(set(markets.values())) > 1:
        told = ", ".join(f"{symbol} is counted {_COUNTED[of]}" for symbol, of in markets.items())
        raise ConfigError(f"one model trades one kind of market, but {told}: train one for each")
    return DEFAULT_PRESETS[next(iter(markets.values()), "fx")]


def require_fit(config: MarketConfig, market_of: MarketOf = known_market) -> None:
    """ConfigError unless `config` is for the market of its symbols; it names the preset that is."""
    counted = counted_for(config)
    for symbol in config.pairs:
        market = market_of(symbol)
        if market is not None and market != counted:
            raise ConfigError(
                f"{symbol} is counted {_COUNTED[market]}, but this configuration counts "
                f"{_counted(config)}. Begin from another preset: --symbol {symbol} --preset "
                f"{DEFAULT_PRESETS[market]}"
            )


def require_tradable(trained: MarketConfig, symbol: str) -> None:
    """ConfigError unless a model of the market `trained` may be shown `symbol`."""
    if symbol in trained.pairs:
        return
    market = known_market(symbol)
    known = known_market(trained.symbol) or counted_for(trained)
    if market is not None and market != known:
        raise ConfigError(
            f"{symbol} is counted {_COUNTED[market]}, but the run was trained on {trained.label} "
            f"and counts {_counted(trained)}. Train a model for it: mlx-muzero train --run RUN "
            f"--symbol {symbol}"
        )


def _counted(config: MarketConfig) -> str:
    size = config.pip_size
    return f"in pips of {size:g}" if size else "in basis points of the price"
