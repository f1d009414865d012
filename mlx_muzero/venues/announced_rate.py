"""The funding rate that a venue announces of a settlement to come."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AnnouncedRate:
    """What a venue announces of one settlement.

    Attributes:
        due_ns: when it is due, UTC.
        rate: share of a position's value that longs pay to shorts.
    """

    due_ns: int
    rate: float
