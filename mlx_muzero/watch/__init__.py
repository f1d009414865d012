"""Watching runs from outside: journals, their state, and which processes are alive.

Only files are read; a watched process never notices. Needs nothing beyond Python itself.
"""
