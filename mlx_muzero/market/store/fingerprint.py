"""Recognises by a few numbers what a store holds of a symbol, without reading it into Python.

DuckDB hashes each row where it lies. The sums do not depend on the order of rows, which are unique.
They tell a change from no change; they are no proof against a forger, and differ between versions
of DuckDB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_muzero.market.store.database import Database

_BARS = """open_time, open, high, low, close, volume, open_ask, high_ask, low_ask, close_ask,
           quote_volume, trades, taker_buy_volume, taker_buy_quote_volume"""
_POINTS = "symbol, name, event_time, known_time, value"


@dataclass(frozen=True)
class Fingerprint:
    """What a store holds of a symbol.

    Attributes:
        bars: number of its bars in the period.
        digest: text that changes with any of those bars, any of its series or any macro series.
    """

    bars: int
    digest: str


def fingerprint(
    db: Database, symbol: str, first_ns: int, end_ns: int, series_of: Sequence[str]
) -> Fingerprint:
    """The fingerprint of the bars of `symbol` in [first, end) and the series of `series_of`.

    Names are as spelled in the tables. Without `series_of` the table of series is not read.
    """
    bars = _summed(
        db,
        _BARS,
        "bars where symbol = ? and epoch_ns(open_time) >= ? and epoch_ns(open_time) < ?",
        [symbol, first_ns, end_ns],
    )
    points: tuple[int, ...] = ()
    if series_of:
        points = _summed(db, _POINTS, "series where list_contains(?, symbol)", [list(series_of)])
    return Fingerprint(bars[0], f"{bars} {points}")


def _summed(db: Database, columns: str, rows: str, values: list[object]) -> tuple[int, ...]:
    """Number of rows, exclusive or of their hashes, sum of their hashes' hashes, and version."""
    found = db.execute(
        f"""select count(*), coalesce(bit_xor(row_hash), 0), coalesce(sum(hash(row_hash, 1)), 0),
                   hash(version())
            from (select hash({columns}) as row_hash from {rows})""",
        values,
    ).fetchone()
    return tuple(map(int, found))
