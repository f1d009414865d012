"""What the crypto specification says about times, to be read beside what was measured.

Its figures (CRYPTO, section 2) are for an M4 and for networks of its own; the one
for search is its author's estimate. They are context, no baseline.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedStep:
    """One line of its table.

    Attributes:
        what: is done in a step.
        simulations: of the search in it; 0 without one.
        low_ms: least time of a step it gives.
        high_ms: most.
    """

    what: str
    simulations: int
    low_ms: float
    high_ms: float


CRYPTO_TABLE = (
    PublishedStep("reactive Transformer", 0, 17.0, 17.0),
    PublishedStep("MCTS, 50 simulations (estimate)", 50, 100.0, 250.0),
)
