"""Loads configurations and datasets as options name them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.keys import assigned
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import STORED, Config
from mlx_muzero.config.toml import KEYS
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.comparison import plays_by, usual_spread_bps, wide_steps
from mlx_muzero.market.coverage import notes
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.fit import MarketOf, default_preset, known_market, require_fit
from mlx_muzero.market.history import PairHistory, Period, load_history
from mlx_muzero.market.instrument import Instrument, Market, instrument
from mlx_muzero.market.kept_dataset import KeptDatasets
from mlx_muzero.market.series import MACRO
from mlx_muzero.market.sessions import embargoed, reach_bars
from mlx_muzero.market.store.bar_store import BarStore, store_at
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.market.synthetic.optima import PLANTED
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.core import TradingRules
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
    """Combine a preset, a file, ``--symbol`` and ``--set``, in this order, into a configuration.

    If neither an option nor the file names a preset, the market of the symbols selects it. The pip,
    unless set, comes from the store at `database` (None for the default store) or from the symbol's
    name. `source` is the name of the overrides in errors.

    Raises:
        ConfigError: the preset does not exist, or the result is for another kind of market than the
            symbols; or as for `toml.load` and `toml.override`.
        UnknownInstrument: the size of the symbol's pip is unknown.
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
            raise ConfigError(f"no preset named {preset!r}; choose one of {', '.join(PRESETS)}")
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
    """The unchecked market table of `tables`."""
    market = tables.get("market")
    return market if isinstance(market, dict) else {}


def _symbols(market: Mapping[str, Any]) -> tuple[Symbol, ...]:
    """The symbols it names; values that are not names are reported when values are checked."""
    named = market.get("symbols") or market.get("symbol")
    names = named if isinstance(named, list) else [named]
    return tuple(Symbol(name) for name in names if isinstance(name, str) and name)


def of_symbols(
    settings: Config, symbols: tuple[Symbol, ...], store: BarStore | None, *, keep_pip: bool = False
) -> Config:
    """`settings` for `symbols`, counted in their pip as `store` knows it unless `keep_pip`.

    Raises:
        ConfigError: there are several, with different pips.
        UnknownInstrument: the size of a symbol's pip is unknown.
    """
    if settings.market.features == "crypto":
        market = replace(settings.market, symbol=symbols[0], symbols=symbols)
        return replace(settings, market=market)
    pips = {name: 0.0 if keep_pip else instrument_of(name, store).pip_size for name in symbols}
    if len(set(pips.values())) > 1:
        told = ", ".join(f"{name} {pip:g}" for name, pip in pips.items())
        raise ConfigError(
            f"one model counts in one pip, but these have several: {told}. Train a model for each "
            "size of pip"
        )
    pip_size = pips[symbols[0]] or settings.market.pip_size
    several = symbols if len(symbols) > 1 else ()
    market = replace(settings.market, symbol=symbols[0], symbols=several, pip_size=pip_size)
    return replace(settings, market=market)


def instrument_of(symbol: str, store: BarStore | None) -> Instrument:
    """How `symbol` trades, according to `store`, or else to its name.

    Raises:
        UnknownInstrument: neither knows.
        DataError: there are no bars of it either, as with a mistyped name.
    """
    if store is None:
        return instrument(symbol)
    if store.find_instrument(symbol) is None:
        store.load(symbol)  # for a mistyped name, the error lists the existing ones
    return store.instrument(symbol)


def _known_in(store: BarStore | None) -> MarketOf:
    """Look up markets in `store`, or else by name.

    What a user stated about an instrument takes precedence over its name, as its pip does.
    """

    @cache
    def market_of(symbol: str) -> Market | None:
        # A synthetic market suits any preset.
        told = None if store is None or store.truth(symbol) else store.find_instrument(symbol)
        if told is None:
            return known_market(symbol)
        return "fx" if told.pip_size else "crypto"

    return market_of


PeriodOf = Callable[[str], Period]
"""The period wanted of each pair."""


def load_dataset(
    config: Config,
    database: Path | None,
    pairs: tuple[str, ...] | None = None,
    tell: Callable[[str], None] = lambda _text: None,
    period: PeriodOf | None = None,
) -> tuple[MarketDataset, Path]:
    """Load the configured pairs with features and outcomes; also return the store's path.

    Args:
        config: the run's configuration.
        database: the store, or None for the default store.
        pairs: those of the configured pairs to load; None for all.
        tell: receives what the bars lack, and where a large dataset is kept.
        period: period of each pair, within the span of the configuration; for an existing run
            `MarketRecord.period`, as its store may have grown.
    """
    dataset, path = load_bars(config, database, pairs, tell, period)
    for note in notes(dataset):
        tell(f"note: {note}")
    return dataset, path


def load_bars(
    config: Config,
    database: Path | None,
    pairs: tuple[str, ...] | None = None,
    tell: Callable[[str], None] = lambda _text: None,
    period: PeriodOf | None = None,
) -> tuple[MarketDataset, Path]:
    """`load_dataset` without a word on what the bars lack."""
    path = database or DEFAULT_DATABASE
    wanted = config.market.pairs if pairs is None else pairs
    with BarStore(path, read_only=True) as store:
        kept = KeptDatasets(store, config.market, config.trading.cost == "quotes", tell)
        dataset = kept.get(
            {pair: None if period is None else period(pair) for pair in wanted},
            lambda pairs: _histories(store, config, pairs, period),
        )
    in_step = config.trading.max_total_exposure > 0
    return dataset.loaded_from(path, in_step=in_step), path


def costs_of(config: Config, dataset: MarketDataset) -> tuple[str, ...]:
    """Notes on the cost of a round trip under `config`, relative to prices and price steps."""
    costs, price = Costs.from_config(config.trading), float(np.median(dataset.close))
    pip_size = config.market.pip_size
    spread_bps = usual_spread_bps(dataset, costs) or 0.0
    return (
        cost_note(costs, price, pip_size, spread_bps),
        *wide_steps(dataset, costs, pip_size),
    )


def load_histories(
    config: Config,
    database: Path | None,
    pairs: tuple[str, ...] | None = None,
    period: PeriodOf | None = None,
) -> tuple[list[PairHistory], Path]:
    """Load what `load_dataset` makes a dataset from."""
    path = database or DEFAULT_DATABASE
    wanted = config.market.pairs if pairs is None else pairs
    with BarStore(path, read_only=True) as store:
        return list(_histories(store, config, wanted, period)), path


def _histories(
    store: BarStore, config: Config, pairs: Sequence[str], period: PeriodOf | None
) -> Iterator[PairHistory]:
    for pair in pairs:
        wanted = None if period is None else period(pair)
        quoted = config.trading.cost == "quotes"
        yield load_history(store, pair, config.market, wanted, quoted=quoted)


def with_stored_macro(
    config: Config, database: Path | None, tell: Callable[[str], None] = lambda _text: None
) -> Config:
    """`config` with the names of the stored macro series where it observes all of them.

    Args:
        config: of a run that is about to start.
        database: the store, or None for the default store.
        tell: told if there are none.
    """
    if STORED not in config.market.macro:
        return config
    with store_at(database) as store:
        stored = [] if store is None else [s.name for s in store.series() if s.symbol == MACRO]
    if not stored:
        tell(
            f"note: {database or DEFAULT_DATABASE} has no macro figures, so the model will know "
            "none: import their files first (docs/market-data.md), or do without: "
            "--set market.macro=[]"
        )
    names = tuple(dict.fromkeys((*config.market.macro_names, *sorted(stored))))
    return replace(config, market=replace(config.market, macro=names))


def settled(
    config: Config, database: Path | None, tell: Callable[[str], None] = lambda _text: None
) -> Config:
    """`config` with everything it leaves to the moment it is used: macro series, embargo.

    Args:
        config: of a run that is about to start.
        database: the store, or None for the default store.
        tell: told if there are no macro series, or what is left out.
    """
    config = embargoed(with_stored_macro(config, database, tell))
    if bars := config.market.embargo_bars:
        tell(
            f"note: market.embargo_bars = {bars:,}: validation and test begin that much later than "
            f"the split before them ends, and observe nothing earlier; window, unroll and targets "
            f"reach over {reach_bars(config):,} bars"
        )
    return config


def known_levels(
    config: Config, database: Path, dataset: MarketDataset, rules: TradingRules
) -> dict[str, float]:
    """Net pips a session of a planted market's best policy ("optimum") and of the line.

    Empty for real markets, and where the truth was computed for other sessions, rules or fills.
    """
    truth = load_truth(config, database)
    if truth is None or truth["kind"] not in PLANTED or not plays_by(truth, dataset, rules):
        return {}
    told = {
        "optimum": truth["expected_pips_per_session"],
        "line": truth.get("line_pips_per_session"),
    }
    return {name: float(pips) for name, pips in told.items() if pips is not None}


def load_truth(config: Config, database: Path) -> dict[str, Any] | None:
    """What is known about a synthetic symbol's best policy; None for real ones."""
    with BarStore(database, read_only=True) as store:
        return store.truth(config.market.symbol)
