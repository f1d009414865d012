"""Venues: access to public data of exchanges and dealers, with retries and the venue's clock.

`source` defines the interface that `ccxt_source` and `oanda` implement. Requests to a venue go over
a `connection`, which waits out outages and respects the venue's limits; `pager` requests the
minutes of a period and measures how the venue behaves; `venue_clock` estimates the venue's time.
"""
