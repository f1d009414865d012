"""What a store's tables need of a DuckDB connection, without importing DuckDB."""

from typing import Any, Protocol


class Database(Protocol):
    """The part of a DuckDB connection that the tables of a store use."""

    def execute(self, query: str, parameters: Any = None) -> Any:
        """Run one statement; ``?`` stands for a parameter."""

    def register(self, view_name: str, python_object: object) -> Any:
        """Let statements read NumPy columns under `view_name`."""

    def unregister(self, view_name: str) -> Any:
        """Forget `view_name`."""
