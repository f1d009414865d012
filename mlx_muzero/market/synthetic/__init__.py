"""Synthetic markets with a known optimum."""
