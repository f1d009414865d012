"""The bar store: one DuckDB file, its tables, and how rows get into it."""
