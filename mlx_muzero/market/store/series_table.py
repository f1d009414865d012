"""The store's table of series: each point once, as defined by `market.series`.

A stored point stays: an equal new point is a duplicate, a different one a conflict. A figure that
is revised later, or an announcement that is changed, has another known time, and so is another
point. Stores of 0.1.0 may hold a settlement twice, as two sources stamped it: `load` returns it
once.
"""

import numpy as np

from mlx_muzero.market.series import HEARD_OFTEN, MAX_AGE_NS, Series, SeriesMerge, SeriesSummary
from mlx_muzero.market.store.database import Database
from mlx_muzero.timeunits import MINUTE_NS

CREATE_SERIES = """
create table series(
    symbol varchar not null, name varchar not null, event_time timestamp_ns not null,
    known_time timestamp_ns not null, value double not null);
"""

_TOLD_ONCE = ", ".join(f"'{name}'" for name in MAX_AGE_NS if name not in HEARD_OFTEN)


def _point(table: str) -> str:
    """SQL of a key that is equal for rows of `table` that are one point (`series.same_point`)."""
    event, known = (
        f"(epoch_ns({table}.{column}) + {MINUTE_NS // 2}) // {MINUTE_NS}"
        for column in ("event_time", "known_time")
    )
    name = f"{table}.name"
    known = f"case when {name} in ({_TOLD_ONCE}) then 0 else {known} end"
    return f"({table}.symbol, {name}, {event}, {known})"


_SAME_POINT = f"{_point('a')} = {_point('b')}"


class SeriesTable:
    """Reads and writes the table."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def write(self, series: Series, replace: bool = False) -> SeriesMerge:
        """Add points without duplicates among them (inside the caller's transaction).

        Args:
            series: the points.
            replace: replace stored points that have another value.
        """
        columns = {"event_ns": series.event_ns, "known_ns": series.known_ns, "value": series.value}
        self._db.register("incoming", {k: np.ascontiguousarray(v) for k, v in columns.items()})
        self._db.execute(
            """create or replace temp table fresh as
               select ?::varchar as symbol, ?::varchar as name,
                      make_timestamp_ns(event_ns) as event_time,
                      make_timestamp_ns(known_ns) as known_time, value from incoming""",
            [series.symbol, series.name],
        )
        self._db.unregister("incoming")
        overlap, equal = (
            self._db.execute(
                f"select count(*) from fresh b semi join series a on {same}"
            ).fetchone()[0]
            for same in (_SAME_POINT, f"{_SAME_POINT} and a.value = b.value")
        )
        if replace:
            self._db.execute(
                f"delete from series a using fresh b where {_SAME_POINT} and a.value <> b.value"
            )
        self._db.execute(
            f"""insert into series select * from fresh b anti join series a on {_SAME_POINT}
                order by known_time, event_time"""
        )
        self._db.execute("drop table fresh")
        differing = overlap - equal
        return SeriesMerge(
            inserted=len(series) - overlap,
            duplicates=equal,
            conflicts=0 if replace else differing,
            replaced=differing if replace else 0,
        )

    def take_back(self, series: Series) -> int:
        """Remove exactly these points with these values; returns how many there were."""
        self._db.register("incoming", {"known_ns": series.known_ns, "value": series.value})
        row = self._db.execute(
            """delete from series where symbol = ? and name = ? and (epoch_ns(known_time), value)
               in (select (known_ns, value) from incoming)""",
            [series.symbol, series.name],
        ).fetchone()
        self._db.unregister("incoming")
        return int(row[0])

    def load(self, symbol: str, name: str) -> Series:
        """Every point of one series; empty if there is none."""
        found = self._db.execute(
            """select epoch_ns(event_time) as event_ns, epoch_ns(known_time) as known_ns, value
               from series where symbol = ? and name = ? order by known_time, event_time""",
            [symbol, name],
        ).fetchnumpy()
        event_ns, known_ns = (np.asarray(found[key], np.int64) for key in ("event_ns", "known_ns"))
        return Series.of(symbol, name, event_ns, known_ns, np.asarray(found["value"], np.float64))

    def summaries(self) -> list[SeriesSummary]:
        """Summaries of the stored series, by symbol and name."""
        rows = self._db.execute(
            f"""select symbol, name, count(distinct {_point("series")}),
                       epoch_ns(min(known_time)), epoch_ns(max(known_time))
                from series group by symbol, name order by symbol, name"""
        ).fetchall()
        return [SeriesSummary(*row) for row in rows]
