"""The agent: networks and search joined, on the backend that is fastest here."""
