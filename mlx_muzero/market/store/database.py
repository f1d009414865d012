"""The interface of DuckDB connections that a store's tables use; does not import DuckDB."""

from typing import Any, Protocol


class Database(Protocol):
    """The part of a DuckDB connection that the tables of a store use."""

    def execute(self, query: str, parameters: Any = None) -> Any:
        """Run one statement, with ``?`` for each parameter."""

    def register(self, view_name: str, python_object: object) -> Any:
        """Make NumPy columns available to statements as `view_name`."""

    def unregister(self, view_name: str) -> Any:
        """Remove `view_name`."""
