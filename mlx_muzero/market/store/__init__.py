"""The bar store: one DuckDB file, its tables, and the only way to write rows to it."""
