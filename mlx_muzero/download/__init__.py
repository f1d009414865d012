"""Downloads bars and series from exchanges and dealers into the bar store, through `job.download`.

`pager` requests the minutes of a period and measures how the venue behaves, `intake` stores them by
the importers' rules, `bars` does both for one symbol, and `job` for several at once.
"""
