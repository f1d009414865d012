"""The store's table of imports: which files went in, as what, and against what doubt."""

import json
from dataclasses import dataclass, replace

from mlx_muzero.market.store.database import Database

ADD_ACCEPTED = "alter table imports add column accepted varchar"
"""What a table of stores before version `ACCEPTED_SINCE` lacks."""
ACCEPTED_SINCE = 3


@dataclass(frozen=True)
class ImportRecord:
    """One file that went into the store: good rows of `symbol`, rows left out, rows had twice.

    `accepted` says in words what it went in against, because the user said so.
    """

    file: str
    sha256: str
    symbol: str
    format: str
    clock: str
    rows: int
    rejected: int
    repeats: int
    first_ns: int | None
    last_ns: int | None
    accepted: tuple[str, ...] = ()


class ImportTable:
    """Reads and writes the table through the connection of a store of that version."""

    def __init__(self, db: Database, version: int) -> None:
        self._db = db
        self._accepted = "accepted" if version >= ACCEPTED_SINCE else "null"

    def records(self) -> list[ImportRecord]:
        """Every file imported, by symbol and first bar."""
        rows = self._db.execute(
            f"""select file, sha256, symbol, format, clock, rows, rejected, repeats,
                       epoch_ns(first_time), epoch_ns(last_time), {self._accepted}
                from imports order by symbol, first_time, file"""
        ).fetchall()
        return [
            replace(ImportRecord(*row[:-1]), accepted=tuple(json.loads(row[-1] or "[]")))
            for row in rows
        ]

    def write(self, record: ImportRecord) -> None:
        """Remember that a file went in, again perhaps (inside the caller's transaction)."""
        self._db.execute(
            "insert or replace into imports values"
            " (?, ?, ?, ?, ?, ?, ?, ?, make_timestamp_ns(?), make_timestamp_ns(?), ?)",
            [*list(vars(record).values())[:-1], json.dumps(record.accepted)],
        )
