"""Sets how instruments trade whose names do not tell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mlx_muzero.errors import DataError
from mlx_muzero.market.instrument import Instrument, Market, keeps_fx_week, known_instrument
from mlx_muzero.market.store.bar_store import BarStore, store_at
from mlx_muzero.market.store.filling import store_to_fill
from mlx_muzero.symbols.symbol import Symbol


class Unstated(DataError):
    """What the user stated about an instrument is incomplete or invalid.

    Attributes:
        missing: the argument of `state_instruments` that is missing; None if one is invalid.
    """

    def __init__(self, text: str, missing: Literal["market", "pip_size"] | None = None) -> None:
        super().__init__(text)
        self.missing = missing


def state_instruments(
    database: Path, symbols: Sequence[str], market: Market | None, pip_size: float | None
) -> list[Instrument]:
    """Record in the store how `symbols` trade, whether or not it has their bars yet.

    Args:
        database: path of the bar store; created only if everything is valid.
        symbols: the symbols, in any spelling.
        market: their trading hours; None keeps what is known of each.
        pip_size: price of one pip, 0 for basis points; None keeps what is known of each.

    Raises:
        Unstated: market or pip is neither given nor known for a symbol, or the pip is invalid.
        SymbolError: one is not a valid symbol.
    """
    with store_at(database) as held:
        found = [_stated(held, symbol, market, pip_size) for symbol in symbols]
    with store_to_fill(database) as store, store.transaction():
        for instrument in found:
            store.set_instrument(instrument)
    return found


def _stated(
    store: BarStore | None, name: str, market: Market | None, pip_size: float | None
) -> Instrument:
    symbol = Symbol(name) if store is None else store.spelling(name)
    known = known_instrument(symbol) if store is None else store.find_instrument(symbol)
    if market is None:
        market = known.market if known else "fx" if keeps_fx_week(symbol) else None
    if pip_size is None and known is not None:
        pip_size = known.pip_size
    if market is None:
        raise Unstated(f"also say when {symbol} trades", "market")
    if pip_size is None:
        raise Unstated(f"also say what a pip of {symbol} is", "pip_size")
    try:
        return Instrument(symbol, market, pip_size)
    except ValueError as error:
        raise Unstated(str(error)) from error
