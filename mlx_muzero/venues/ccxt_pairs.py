"""Which of an exchange's pairs a name means: ours, ccxt's, or the exchange's own."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from mlx_muzero.errors import SymbolError
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.venues.source import Listing, PairGone
from mlx_muzero.venues.volume_units import note_of

_SUGGESTED = 5


def listed_pair(exchange: str, markets: Mapping[str, Any], name: str) -> Listing:
    """The pair that `name` means at `exchange`.

    A name in ccxt's form is taken as it is. One of ours is the spot pair, else the perpetual
    contract settled in what it is quoted in, else the one settled in its base.

    Args:
        exchange: ccxt's name.
        markets: ccxt's structures of the exchange's markets, by ccxt's symbol.
        name: as a user writes it.

    Raises:
        PairGone: the exchange lists none; names those whose names are like it.
    """
    found = [pair for pair in _readings(markets, name) if pair in markets]
    if not found:
        similar = _similar(markets, name)
        meant = f": it has {', '.join(similar)}" if similar else ""
        raise PairGone(f"{exchange} lists no pair {name}{meant}")
    pair, *others = dict.fromkeys(found)
    notes = [note_of(exchange, markets[pair])]
    if others:
        notes.append(f"{name} is taken for {pair}; write {' or '.join(others)} for another market")
    return Listing(pair, "crypto", tuple(note for note in notes if note))


def _readings(markets: Mapping[str, Any], name: str) -> Iterator[str]:
    name = name.strip()
    if "/" in name:
        yield from dict.fromkeys((name, name.upper()))
        return
    try:
        parts = Symbol(name).pair
    except SymbolError:
        parts = None
    if parts is not None and not parts.contract:
        pair = f"{parts.base}/{parts.quote}"
        yield from (pair, f"{pair}:{parts.quote}", f"{pair}:{parts.base}")
    elif parts is not None and parts.contract == "PERP":
        yield f"{parts.base}/{parts.quote}:{parts.base}"
    yield from (pair for pair, market in markets.items() if market.get("id") == name)


def _similar(markets: Mapping[str, Any], name: str) -> list[str]:
    """Pairs that `name` may have been meant to be."""
    plain = {_plain(pair): pair for pair in reversed(list(markets))}
    close = get_close_matches(_plain(name), plain, _SUGGESTED, 0.7)
    return [plain[match] for match in close]


def _plain(pair: str) -> str:
    return "".join(filter(str.isalnum, pair.partition(":")[0])).upper()
