"""Live bars of many pairs as one stream of events, from a replay, an exchange or a broker.

`feed` defines the interface, `live` contains the machinery behind every real feed, and `sequence`
the rules that turn what a venue sends into bars. docs/paper.md states the rules.
"""
