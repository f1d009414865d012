"""From command-line options to a configuration and a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.keys import assigned
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.config.toml import KEYS
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.comparison import wide_steps
from mlx_muzero.market.coverage import notes
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.fit import MarketOf, default_preset, known_market, require_fit
from mlx_muzero.market.history import PairHistory, Period, load_history
from mlx_muzero.market.instrument import Instrument, Market, instrument
from mlx_muzero.market.store.bar_store import BarStore, store_at
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.cost_size import cost_note
from mlx_muzero.trading.costs import Costs


def load_config(
    preset: str | None,
    file: Path | None,
    overrides: list[str],
    symbol: str | None = None,
    database: Path | None = None,
    source: str = "--set",
) -> Config:
    """The preset, overlaid by a file, then by ``--symbol``, then by ``--set``.

    Where neither an option nor the file names a preset, it goes by the market of the symbols, and
    so does the pip where nobody sets one, as the store at `database` (None: the usual one) or the
    symbol's name says. `source` is what errors call the overrides.

    Raises:
        ConfigError: there is no such preset, or what comes of it is for another kind of market than
            the symbols are of; and as `toml.load` and `toml.override`.
        UnknownInstrument: nothing says what a pip of the symbol is.
    """
    of_file = {} if file is None else _market_table(config_toml.read(file))
    of_options = _market_table(assigned(overrides, KEYS)[0])
    named = (
        Symbol.listed(symbol) if symbol is not None else _symbols(of_options) or _symbols(of_file)
    )
    with store_at(database) as store:
        market_of = _known_in(store)
        if preset is None:
            preset = default_preset(named, market_of)
        if preset not in PRESETS:
            raise ConfigError(f"no preset {preset!r}; there are: {', '.join(PRESETS)}")
        settings = PRESETS[preset]
        if file is not None:
            settings = config_toml.load(file, settings)
        if named:
            said = "pip_size" in of_options or (symbol is None and "pip_size" in of_file)
            settings = of_symbols(settings, named, store, keep_pip=said)
        settings = config_toml.override(settings, overrides, source)
        require_fit(settings.market, market_of)
    return settings


def _market_table(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The unchecked ``[market]`` of `tables`."""
    market = tables.get("market")
    return market if isinstance(market, dict) else {}


def _symbols(market: Mapping[str, Any]) -> tuple[Symbol, ...]:
    """Those that it names; what is no name is told of when values are checked."""
    named = market.get("symbols") or market.get("symbol")
    names = named if isinstance(named, list) else [named]
    return tuple(Symbol(name) for name in names if isinstance(name, str) and name)


def of_symbols(
    settings: Config, symbols: tuple[Symbol, ...], store: BarStore | None, *, keep_pip: bool = False
) -> Config:
    """`settings` for `symbols`, counted in their pip as `store` knows it, unless it is to be kept.

    Raises:
        ConfigError: several, for a model that trades one.
        UnknownInstrument: nothing says what a pip of it is.
    """
    if settings.market.features == "crypto":
        market = replace(settings.market, symbol=symbols[0], symbols=symbols)
        return replace(settings, market=market)
    if len(symbols) > 1:
        raise ConfigError(f"{', '.join(symbols)}: a model of micro features trades one; name one")
    (name,) = symbols
    own = 0.0 if keep_pip else instrument_of(name, store).pip_size
    pip_size = own or settings.market.pip_size
    return replace(settings, market=replace(settings.market, symbol=name, pip_size=pip_size))


def instrument_of(symbol: str, store: BarStore | None) -> Instrument:
    """How `symbol` trades, as `store` says, or else its name.

    Raises:
        UnknownInstrument: neither says.
        DataError: nor are there bars of it, as of a name that was mistyped.
    """
    if store is None:
        return instrument(symbol)
    if store.find_instrument(symbol) is None:
        store.load(symbol)  # of a name that was mistyped, it says which there are
    return store.instrument(symbol)


def _known_in(store: BarStore | None) -> MarketOf:
    """What `store` knows of markets, or else their names.

    What a user said of an instrument goes before its name, as its pip does.
    """

    @cache
    def market_of(symbol: str) -> Market | None:
        # A synthetic market is for any preset.
        told = None if store is None or store.truth(symbol) else store.find_instrument(symbol)
        if told is None:
            return known_market(symbol)
        return "fx" if told.pip_size else "crypto"

    return market_of


PeriodOf = Callable[[str], Period]
"""What is wanted of a pair's past."""


def load_dataset(
    config: Config,
    database: Path | None,
    pairs: tuple[str, ...] | None = None,
    tell: Callable[[str], None] = lambda _text: None,
    period: PeriodOf | None = None,
) -> tuple[MarketDataset, Path]:
    """Bars of the configured pairs with features and outcomes, and the store they came from.

    Args:
        config: of the run.
        database: the store, or None for the usual one.
        pairs: those of the configured pairs to load; None for all.
        tell: hears what the bars lack.
        period: of each, within the span of the configuration; of a begun run
            `MarketRecord.period`, as its store may have grown.
    """
    histories, path = load_histories(config, database, pairs, period)
    dataset = MarketDataset.of_pairs(histories, config.market)
    for note in notes(histories, dataset):
        tell(f"note: {note}")
    return dataset, path


def costs_of(config: Config, dataset: MarketDataset) -> tuple[str, ...]:
    """What a round trip costs by `config`, beside the prices of `dataset` and their steps."""
    costs, price = Costs.from_config(config.trading), float(np.median(dataset.close))
    pip_size = config.market.pip_size
    return (cost_note(costs, price, pip_size), *wide_steps(dataset, costs, pip_size))


def load_histories(
    config: Config,
    database: Path | None,
    pairs: tuple[str, ...] | None = None,
    period: PeriodOf | None = None,
) -> tuple[list[PairHistory], Path]:
    """What `load_dataset` makes a dataset of."""
    path = database or DEFAULT_DATABASE
    wanted = config.market.pairs if pairs is None else pairs
    with BarStore(path, read_only=True) as store:
        return [
            load_history(store, pair, config.market, None if period is None else period(pair))
            for pair in wanted
        ], path


def load_truth(config: Config, database: Path) -> dict[str, Any] | None:
    """What is known of a synthetic symbol's best policy; None for real ones."""
    with BarStore(database, read_only=True) as store:
        return store.truth(config.market.symbol)
