"""Timings from the crypto specification, to compare with what was measured.

Its figures (CRYPTO, section 2) are for an M4 and for its own networks; the one for search is its
author's estimate. They give context and are not a baseline.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedStep:
    """One line of the specification's table.

    Attributes:
        what: what a step does.
        simulations: simulations of its search; 0 without one.
        low_ms: lowest duration of a step given.
        high_ms: highest duration.
    """

    what: str
    simulations: int
    low_ms: float
    high_ms: float


CRYPTO_TABLE = (
    PublishedStep("reactive Transformer", 0, 17.0, 17.0),
    PublishedStep("MCTS, 50 simulations (estimate)", 50, 100.0, 250.0),
)
