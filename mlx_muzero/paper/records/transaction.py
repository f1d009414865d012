"""What one step of a session changes: rows for the store, events for the journal."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Transaction:
    """Committed as a whole or not at all; journaled afterwards.

    Attributes:
        close_ns: end of the last minute known.
        rows: by table of the store.
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
