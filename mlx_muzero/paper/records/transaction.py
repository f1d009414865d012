"""The changes of one step of a session: rows for the store, events for the journal."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Transaction:
    """A set of changes, committed completely or not at all, and journaled afterwards.

    Attributes:
        close_ns: end of the last known minute.
        rows: rows by table of the store.
        events: name and facts, in order.
    """

    close_ns: int
    rows: dict[str, list[Row]] = field(default_factory=dict)
    events: list[tuple[str, Row]] = field(default_factory=list)

    def add(self, table: str, row: Row) -> None:
        """Add a row."""
        self.rows.setdefault(table, []).append(row)

    def tell(self, event: str, **facts: Any) -> None:
        """Add an event."""
        self.events.append((event, facts))
