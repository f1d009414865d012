"""Default location of the bar store; imports nothing heavy."""

from pathlib import Path

DEFAULT_DATABASE = Path("data/market.duckdb")
