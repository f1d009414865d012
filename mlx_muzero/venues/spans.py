"""Spans of time, [start, end): differences, and the holes between bars."""

from collections.abc import Iterable

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64

Span = tuple[int, int]
"""Start and end, UTC nanoseconds; the end is not part of it."""


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """The parts of `span` that none of the spans `taken` covers, in order of time."""
    left, (at_ns, end_ns) = [], span
    for start, end in sorted(taken):
        if start > at_ns:
            left.append((at_ns, min(start, end_ns)))
        at_ns = max(at_ns, end)
        if at_ns >= end_ns:
            break
    if at_ns < end_ns:
        left.append((at_ns, end_ns))
    return left


def holes(span: Span, open_time_ns: I64) -> list[Span]:
    """The runs of minutes of `span` in which no bar opens.

    Args:
        span: between whole minutes.
        open_time_ns: ``i64[n]`` whole minutes, not decreasing.
    """
    start_ns, end_ns = span
    inside = open_time_ns[(open_time_ns >= start_ns) & (open_time_ns < end_ns)]
    edges = np.concatenate([[start_ns - MINUTE_NS], inside, [end_ns]])
    before = np.flatnonzero(np.diff(edges) > MINUTE_NS)
    return [(int(edges[i]) + MINUTE_NS, int(edges[i + 1])) for i in before]


def minutes(spans: Iterable[Span]) -> int:
    """The total number of minutes in `spans`."""
    return sum(end - start for start, end in spans) // MINUTE_NS
