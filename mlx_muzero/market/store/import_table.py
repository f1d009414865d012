"""The store's table of imports: the files, how they were read, and what the user overrode."""

import json
from dataclasses import dataclass, replace

from mlx_muzero.market.store.database import Database

ADD_ACCEPTED = "alter table imports add column accepted varchar"
"""Adds the column that stores before version `ACCEPTED_SINCE` lack."""
ACCEPTED_SINCE = 3


@dataclass(frozen=True)
class ImportRecord:
    """One imported file: its good, rejected and repeated rows of `symbol`.

    `accepted` lists, in words, the checks that the user overrode.
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
    """Reads and writes the table in a store of a given version."""

    def __init__(self, db: Database, version: int) -> None:
        self._db = db
        self._accepted = "accepted" if version >= ACCEPTED_SINCE else "null"

    def records(self) -> list[ImportRecord]:
        """The record of every imported file, by symbol and first bar."""
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
        """Record an import, or repeat of one (inside the caller's transaction)."""
        self._db.execute(
            "insert or replace into imports values"
            " (?, ?, ?, ?, ?, ?, ?, ?, make_timestamp_ns(?), make_timestamp_ns(?), ?)",
            [*list(vars(record).values())[:-1], json.dumps(record.accepted)],
        )
