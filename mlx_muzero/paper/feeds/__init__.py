"""Live bars of many pairs as one stream of events, from a replay, an exchange or a broker.

`feed` has the interface, `live` the machinery behind every real feed, `sequence` the rules that
turn what a venue sends into bars. docs/paper.md states the rules.
"""
