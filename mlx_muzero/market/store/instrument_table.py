"""The store's table of instruments set by the user, whose names do not tell how they trade."""

from collections.abc import Mapping

from mlx_muzero.market.instrument import Instrument
from mlx_muzero.market.store.database import Database

CREATE_INSTRUMENTS = """
create table instruments(
    symbol varchar primary key, market varchar not null, pip_size double not null);
"""


def made_to_trade(symbol: str, truth: Mapping[str, object]) -> Instrument | None:
    """The instrument of a synthetic market, from its truth: 0.1.0 stored nothing else of it."""
    made = truth.get("parameters")
    if not isinstance(made, Mapping) or "pip_size" not in made:
        return None
    return Instrument(symbol, "fx", float(made["pip_size"]))


class InstrumentTable:
    """Reads and writes the table."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, symbol: str) -> Instrument | None:
        """The instrument set for `symbol`, if any."""
        rows = self._db.execute("select * from instruments where symbol = ?", [symbol]).fetchall()
        return Instrument(*rows[0]) if rows else None

    def all(self) -> list[Instrument]:
        """All instruments set, ordered by symbol."""
        rows = self._db.execute("select * from instruments order by symbol").fetchall()
        return [Instrument(*row) for row in rows]

    def put(self, instrument: Instrument) -> None:
        """Store `instrument`, replacing an earlier entry."""
        self._db.execute(
            "insert or replace into instruments values (?, ?, ?)",
            [instrument.symbol, instrument.market, instrument.pip_size],
        )

    def remove(self, symbol: str) -> None:
        """Remove the entry of `symbol`."""
        self._db.execute("delete from instruments where symbol = ?", [symbol])
