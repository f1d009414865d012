"""Groups of an observation's market columns that tell much the same, by their names."""

import re

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.observation.frames import market_feature_names

PAIR = "pair"
"""The group that says which pair it is."""

_GROUPS = tuple(
    (re.compile(pattern), group)
    for pattern, group in (
        (r"pair_.*", PAIR),
        (r".*_(?:ahead|since)", "events"),
        (r".*_(?:cos|sin)(?:_final)?|gotobi|japan_open", "clock and calendar"),
        (r".*_(\d+[mh])", r"bars of \1"),
        (r".*momentum.*", "momentum"),
        (r"(?:price_)?change_(?:pips|\d+)", "changes"),
        (r"log_volatility_.*", "volatility"),
        (r".*range.*", "ranges"),
        (r"spread_pips(?:_known)?", "spread"),
        (r"(.+?)(?:_known)?", r"\1"),  # a series, and where it is known
    )
)


def feature_groups(config: MarketConfig) -> dict[str, tuple[int, ...]]:
    """Market columns of an observation by group; each column is in one."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(market_feature_names(config)):
        found.setdefault(_group_of(name), []).append(index)
    return {group: tuple(columns) for group, columns in found.items()}


def _group_of(column: str) -> str:
    matches = ((pattern.fullmatch(column), group) for pattern, group in _GROUPS)
    return next(match.expand(group) for match, group in matches if match)
