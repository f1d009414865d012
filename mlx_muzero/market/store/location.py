"""Where the bar store is by default, and how a command names another; imports nothing heavy."""

from pathlib import Path

DEFAULT_DATABASE = Path("data/market.duckdb")


def in_store(path: str | Path | None) -> tuple[str, ...]:
    """The words by which a command means the store at `path`: none for the default (or None)."""
    return () if path is None or Path(path) == DEFAULT_DATABASE else ("--db", str(path))
