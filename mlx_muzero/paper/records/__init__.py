"""A paper session's records: store, journal, and checks of each against the other."""
