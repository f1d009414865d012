"""Recognises by a few numbers what a store holds of a symbol, without reading it into Python.

DuckDB hashes each row where it lies. The sums do not depend on the order of rows, which are unique.
They tell a change from no change; they are no proof against a forger, and differ between versions
of DuckDB.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mlx_muzero.market.store.database import Database
from mlx_muzero.timeunits import MINUTE_NS

_BARS = """open_time, open, high, low, close, volume, open_ask, high_ask, low_ask, close_ask,
           quote_volume, trades, taker_buy_volume, taker_buy_quote_volume"""
_POINTS = "symbol, name, event_time, known_time, value"

SeriesFrom = Mapping[tuple[str, str], int]
"""By symbol and series, as spelled in the table, the earliest event of its points."""


@dataclass(frozen=True)
class Fingerprint:
    """What a store holds of a symbol.

    Attributes:
        bars: number of its bars in the period.
        digest: text that changes with any of those bars, or any point known by their end.
        points: text that changes with any point, whenever it became known.
    """

    bars: int
    digest: str
    points: str


def fingerprint(
    db: Database, symbol: str, first_ns: int, end_ns: int, series_from_ns: SeriesFrom
) -> Fingerprint:
    """The fingerprint of the bars of `symbol` in [first, end) and of points of series.

    The symbol is as spelled in the tables. Without series their table is not read.
    """
    found = "bars where symbol = ? and epoch_ns(open_time) >= ? and epoch_ns(open_time) < ?"
    bars, last_ns, *sums = _summed(db, _BARS, "open_time", found, [symbol, first_ns, end_ns])
    known: list[tuple[int, ...]] = []
    points: list[tuple[int, ...]] = []
    for (of, name), event_ns in sorted(series_from_ns.items()):
        rows = "series where symbol = ? and name = ? and epoch_ns(event_time) >= ?"
        values: list[object] = [of, name, event_ns]
        points.append(_summed(db, _POINTS, "known_time", rows, values))
        rows += " and epoch_ns(known_time) <= ?"
        known.append(_summed(db, _POINTS, "known_time", rows, [*values, last_ns + MINUTE_NS]))
    return Fingerprint(bars, f"{bars} {sums} {known}", f"{points}")


def _summed(
    db: Database, columns: str, time: str, rows: str, values: list[object]
) -> tuple[int, ...]:
    """Number of rows, latest time, exclusive or and sum of their hashes, and version."""
    found = db.execute(
        f"""select count(*), coalesce(max(time_ns), 0), coalesce(bit_xor(row_hash), 0),
                   coalesce(sum(hash(row_hash, 1)), 0), hash(version())
            from (select epoch_ns({time}) as time_ns, hash({columns}) as row_hash from {rows})""",
        values,
    ).fetchone()
    return tuple(map(int, found))
