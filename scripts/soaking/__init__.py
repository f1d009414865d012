"""A month of paper trading in an afternoon: its market, venue, faults, lives and findings."""
