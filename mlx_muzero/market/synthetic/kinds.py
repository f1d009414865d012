"""The kinds of synthetic markets. Imports nothing, because the command line offers them too."""

from typing import Literal

MarketKind = Literal[
    "random_walk",
    "planted_edge",
    "planted_nonlinear",
    "planted_wait",
    "planted_scarce",
    "planted_pairs",
]
