"""The store's tables of downloads: the origin of symbols, and the spans already requested.

For every minute requested, either the store has a bar or the venue has none.
"""

from dataclasses import dataclass

from mlx_muzero.market.store.database import Database

BARS = "bars"
"""The kind of a request for bars; requests for series use the series' name."""

CREATE_ORIGINS = """
create table origins(
    symbol varchar primary key, venue varchar not null, pair varchar not null,
    series varchar not null, first_time timestamp_ns not null);
create table asked(
    symbol varchar not null, what varchar not null,
    start_time timestamp_ns not null, end_time timestamp_ns not null);
"""


@dataclass(frozen=True)
class Origin:
    """Where a symbol is downloaded from.

    Attributes:
        symbol: the name in the store.
        venue: ``oanda``, or ccxt's name of an exchange.
        pair: the venue's name for it.
        series: names of the series that come with the bars.
        first_ns: UTC start of the download.
    """

    symbol: str
    venue: str
    pair: str
    series: tuple[str, ...]
    first_ns: int

    def __str__(self) -> str:
        """Venue and pair, in words."""
        return f"{self.venue} {self.pair}"


class OriginTable:
    """Reads and writes the tables.

    Args:
        db: the store's connection.
        there: whether the store has the tables; one of an earlier version, opened read-only, lacks
            them.
    """

    def __init__(self, db: Database, there: bool = True) -> None:
        self._db, self._there = db, there

    def all(self) -> list[Origin]:
        """The origins of all downloaded symbols, ordered by symbol."""
        if not self._there:
            return []
        rows = self._db.execute(
            "select symbol, venue, pair, series, epoch_ns(first_time) from origins order by symbol"
        ).fetchall()
        return [
            Origin(symbol, venue, pair, tuple(filter(None, series.split(","))), int(first_ns))
            for symbol, venue, pair, series, first_ns in rows
        ]

    def get(self, symbol: str) -> Origin | None:
        """The origin of `symbol`; None if it was not downloaded."""
        return next((origin for origin in self.all() if origin.symbol == symbol), None)

    def put(self, origin: Origin) -> None:
        """Store `origin`, replacing an earlier entry for its symbol."""
        self._db.execute(
            "insert or replace into origins values (?, ?, ?, ?, make_timestamp_ns(?))",
            [origin.symbol, origin.venue, origin.pair, ",".join(origin.series), origin.first_ns],
        )

    def asked(self, symbol: str, what: str) -> list[tuple[int, int]]:
        """Spans [start, end) already requested, disjoint and in order."""
        if not self._there:
            return []
        rows = self._db.execute(
            """select epoch_ns(start_time), epoch_ns(end_time) from asked
               where symbol = ? and what = ? order by start_time""",
            [symbol, what],
        ).fetchall()
        return [(int(start), int(end)) for start, end in rows]

    def note_asked(self, symbol: str, what: str, start_ns: int, end_ns: int) -> None:
        """Record [start_ns, end_ns) as requested."""
        touching = [
            (start, end)
            for start, end in self.asked(symbol, what)
            if start <= end_ns and end >= start_ns
        ]
        for start, _ in touching:
            self._db.execute(
                "delete from asked where symbol = ? and what = ?"
                " and start_time = make_timestamp_ns(?)",
                [symbol, what, start],
            )
        ends = [start_ns, end_ns, *(time for span in touching for time in span)]
        self._insert(symbol, what, min(ends), max(ends))

    def forget_asked(self, symbol: str, start_ns: int | None, end_ns: int | None) -> None:
        """Remove [start_ns, end_ns) from the requested spans; None leaves that end open."""
        first_ns = -(2**63) if start_ns is None else start_ns
        last_ns = 2**63 - 1 if end_ns is None else end_ns
        kinds = self._db.execute(
            "select distinct what from asked where symbol = ?", [symbol]
        ).fetchall()
        for (what,) in kinds:
            spans = self.asked(symbol, what)
            self._db.execute("delete from asked where symbol = ? and what = ?", [symbol, what])
            for start, end in spans:
                for left, right in ((start, min(end, first_ns)), (max(start, last_ns), end)):
                    if left < right:
                        self._insert(symbol, what, left, right)

    def _insert(self, symbol: str, what: str, start_ns: int, end_ns: int) -> None:
        self._db.execute(
            "insert into asked values (?, ?, make_timestamp_ns(?), make_timestamp_ns(?))",
            [symbol, what, start_ns, end_ns],
        )
