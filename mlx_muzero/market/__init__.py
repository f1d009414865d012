"""Market data: bars, store, importers, features, outcomes, sessions, synthetic markets."""
