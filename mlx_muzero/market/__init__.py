"""Bars, their store and importers, features, outcomes, sessions, synthetic markets."""
