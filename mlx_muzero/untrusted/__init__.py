"""Validation of values and text from files, venues and journals, where they enter."""
