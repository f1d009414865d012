"""Venues as the rest sees them: public data of exchanges and dealers, and how to wait for it.

`source` has the interface that `ccxt_source` and `oanda` implement. What asks a venue does so over
a `connection`, which waits out outages and obeys the venue, by the venue's own clock.
"""
