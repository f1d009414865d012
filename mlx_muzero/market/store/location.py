"""Where the bar store lies unless somebody says otherwise; loads nothing."""

from pathlib import Path

DEFAULT_DATABASE = Path("data/market.duckdb")
