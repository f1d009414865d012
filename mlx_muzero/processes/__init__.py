"""Processes: starting and supervising them, and the signals that stop them."""
