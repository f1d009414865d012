"""Bars and series from exchanges and dealers into the bar store: one entry, `job.download`.

`pager` asks a venue for the minutes of a time and measures what it does, `intake` stores them by
the importers' rules, `bars` does both for a symbol, `job` for several at once.
"""
