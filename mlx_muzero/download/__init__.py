"""Downloads bars and series from exchanges and dealers into the bar store, through `job.download`.

`intake` stores what `venues.pager` requests, by the importers' rules, `bars` does both for one
symbol, and `job` for several at once.
"""
