"""The agent: networks and search combined, on the backend that is fastest here."""
